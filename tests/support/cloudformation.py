"""The stack of deploy/rolecall.yml in moto, and what its roles may do there.

moto's CloudFormation knows some types of resources; the others are made here from their properties
through the API of their service, which refuses what it does not understand. Nothing of it enforces
a permission or runs a build.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch

import boto3
import yaml
from moto import mock_aws
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.logs.models import LogGroup, LogsBackend

from support.command_line import PROJECT

TEMPLATE = PROJECT / "deploy" / "rolecall.yml"
REGION, ACCOUNT = "eu-central-1", "123456789012"
TRAIL = "the-trail"
STACK = "rolecall"

Properties = dict[str, Any]
Statement = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as their long ones."""


def _function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template() -> dict[str, Any]:
    """Return the template with its functions in their long form."""
    read: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)
    return read


# --- the types that moto's CloudFormation lacks -----------------------------------------------


@dataclass(frozen=True)
class _Kind:
    service: str
    create: Callable[[Any, str, Properties], str]
    delete: Callable[[Any, str, Properties], Any]


def _lower(value: Any) -> Any:
    """Return properties with the names that CodeBuild's and CloudWatch Logs' APIs have."""
    if isinstance(value, list):
        return [_lower(part) for part in value]
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _lower(part) for name, part in value.items()}
    return value


def _workgroup(client: Any, name: str, properties: Properties) -> str:
    client.create_work_group(
        Name=properties["Name"],
        Description=properties["Description"],
        Configuration=properties["WorkGroupConfiguration"],
    )
    return str(properties["Name"])


def _database(client: Any, name: str, properties: Properties) -> str:
    client.create_database(**properties)
    return str(properties["DatabaseInput"]["Name"])


def _bucket_policy(client: Any, name: str, properties: Properties) -> str:
    # Not put: moto is blind to its condition and would refuse everyone.
    client.head_bucket(Bucket=properties["Bucket"])
    return name


def _subscription(client: Any, name: str, properties: Properties) -> str:
    return str(client.subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])


def _project(client: Any, name: str, properties: Properties) -> str:
    return str(client.create_project(name=name, **_lower(properties))["project"]["name"])


def _schedule(client: Any, name: str, properties: Properties) -> str:
    client.create_schedule(Name=name, **properties)
    return name


def _alarm(client: Any, name: str, properties: Properties) -> str:
    client.put_metric_alarm(AlarmName=name, **properties)
    return name


def _metric_filter(client: Any, name: str, properties: Properties) -> str:
    client.put_metric_filter(filterName=name, **_lower(properties))
    return name


_KINDS = {
    "AWS::Athena::WorkGroup": _Kind(
        "athena",
        _workgroup,
        lambda client, name, _: client.delete_work_group(
            WorkGroup=name, RecursiveDeleteOption=True
        ),
    ),
    "AWS::Glue::Database": _Kind(
        "glue", _database, lambda client, name, _: client.delete_database(Name=name)
    ),
    "AWS::S3::BucketPolicy": _Kind("s3", _bucket_policy, lambda client, name, _: None),
    "AWS::SNS::Subscription": _Kind(
        "sns", _subscription, lambda client, name, _: client.unsubscribe(SubscriptionArn=name)
    ),
    "AWS::CodeBuild::Project": _Kind(
        "codebuild", _project, lambda client, name, _: client.delete_project(name=name)
    ),
    "AWS::Scheduler::Schedule": _Kind(
        "scheduler", _schedule, lambda client, name, _: client.delete_schedule(Name=name)
    ),
    "AWS::CloudWatch::Alarm": _Kind(
        "cloudwatch", _alarm, lambda client, name, _: client.delete_alarms(AlarmNames=[name])
    ),
    "AWS::Logs::MetricFilter": _Kind(
        "logs",
        _metric_filter,
        lambda client, name, properties: client.delete_metric_filter(
            filterName=name, logGroupName=properties["LogGroupName"]
        ),
    ),
}


def _model(type_: str, kind: _Kind) -> type[CloudFormationModel]:
    class Resource(CloudFormationModel):
        # moto asks the module's second name for the service.
        __module__ = f"{__name__}.{kind.service}"

        def __init__(self, name: str, properties: Properties) -> None:
            self.name = name
            self.physical_resource_id = kind.create(_client(kind.service), name, properties)
            self.properties = properties

        @staticmethod
        def cloudformation_type() -> str:
            return type_

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr == "Arn"

        def get_cfn_attribute(self, attribute: str) -> str:
            assert (kind.service, attribute) == ("codebuild", "Arn")
            return f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{self.physical_resource_id}"

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, *_: Any, **__: Any
        ) -> Any:
            return cls(resource_name, cloudformation_json["Properties"])

        @classmethod
        def update_from_cloudformation_json(
            cls,
            original_resource: Any,
            new_resource_name: str,
            cloudformation_json: Any,
            *_: Any,
            **__: Any,
        ) -> Any:
            original_resource.delete()
            return cls(original_resource.name, cloudformation_json["Properties"])

        def delete(self, *_: str) -> None:
            kind.delete(_client(kind.service), self.physical_resource_id, self.properties)

        def is_created(self) -> bool:
            return True

    return Resource


_MODELS = [_model(type_, kind) for type_, kind in _KINDS.items()]

_clean_json = parsing.clean_json


def _without_holes(value: Any, resources: Any) -> Any:
    """Leave AWS::NoValue out of lists, as CloudFormation does: moto leaves a null there."""
    cleaned = _clean_json(value, resources)
    return [part for part in cleaned if part is not None] if isinstance(value, list) else cleaned


_create_log_group = LogsBackend.create_log_group


def _encrypted(
    backend: LogsBackend, name: str, tags: dict[str, str], **properties: Any
) -> LogGroup:
    """Create a log group with its key: moto looks for it by the name that the API has."""
    return _create_log_group(backend, name, tags, **(_lower(properties) | properties))


# --- the stack --------------------------------------------------------------------------------


def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Stack:
    """A stack in moto, as long as the context of ``cloud`` lasts."""

    def client(self, service: str) -> Any:
        """Return a client of a service in the account of the stack."""
        return _client(service)

    def deploy(self, **parameters: str) -> dict[str, str]:
        """Create or update the stack with these parameters; return its outputs."""
        cloudformation = _client("cloudformation")
        known = cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])
        deploy = cloudformation.create_stack
        if known["StackSummaries"]:
            deploy = cloudformation.update_stack
        deploy(
            StackName=STACK,
            TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in ({"TrailBucket": TRAIL} | parameters).items()
            ],
        )
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def delete(self) -> None:
        """Delete the stack."""
        # CloudFormation detaches a policy before it deletes it; moto does not.
        iam = _client("iam")
        for role in (found["RoleName"] for found in iam.list_roles()["Roles"]):
            for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
        _client("cloudformation").delete_stack(StackName=STACK)

    def statements(self, role: str) -> list[Statement]:
        """Return what the policies of a role of the template say."""
        iam = _client("iam")
        (name,) = (
            found["RoleName"]
            for found in iam.list_roles()["Roles"]
            if f"-{role}-" in found["RoleName"]
        )
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)
            documents.append(found["PolicyVersion"]["Document"])
        # moto gives the documents of a stack as Python writes them.
        read = [ast.literal_eval(each) if isinstance(each, str) else each for each in documents]
        return [statement for document in read for statement in document["Statement"]]

    def put_release(self, bucket: str, release: str, files: dict[str, bytes]) -> None:
        """Put the files of a release where the template looks for them."""
        for name, body in files.items():
            key = f"releases/{release}/{name}"
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


@contextmanager
def cloud() -> Iterator[Stack]:
    """Give an empty account in which the stack can be deployed."""
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()
    with (
        mock_aws(),
        patch.object(parsing, "clean_json", _without_holes),
        patch.object(LogsBackend, "create_log_group", _encrypted),
    ):
        yield Stack()


# --- what a policy allows ---------------------------------------------------------------------


def as_list(value: Any) -> list[Any]:
    """Return a list: a policy may have one thing without brackets."""
    return value if isinstance(value, list) else [value]


def allowed(statements: Sequence[Statement], action: str, resource: str) -> bool:
    """Return whether statements allow an action on a resource; none of them has a condition."""
    effects = {
        statement["Effect"]
        for statement in statements
        if any(fnmatchcase(action.lower(), each.lower()) for each in as_list(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in as_list(statement["Resource"]))
    }
    assert not any("Condition" in statement for statement in statements)
    return effects == {"Allow"}
