"""Texts as AWS logs them, with what has to be left of each once its secrets are gone.

A value that is gone is ``REDACTED``, and whatever has to go says ``SECRET`` here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

GONE = "REDACTED"
WHOLE = '{"redacted": true}'


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text, and what is left of it."""

    name: str
    text: str
    left: str


def json_texts() -> list[SecretText]:
    """Return texts that are JSON, and stay JSON."""
    return [
        SecretText(name, _text(value), left if left is WHOLE else _text(left))
        for name, value, left in (*_members(), *_quoted(), *_pairs(), *_environments(), *_inside())
    ]


def harmless_texts() -> list[str]:
    """Return texts of which nothing may go."""
    return [text if isinstance(text, str) else _text(text) for text in _HARMLESS]


def plain_texts() -> list[SecretText]:
    """Return texts that are no JSON: error messages and user agents."""
    return [SecretText(text, text, left) for text, left in _PLAIN]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _nested(value: Any, times: int) -> Any:
    """Return a value as JSON in a member, quoted some times."""
    for _ in range(times):
        value = {"body": _text(value)}
    return value


def _members() -> list[tuple[str, Any, Any]]:
    """Return members of objects by the names of secrets."""
    names = (
        *("password", "Password", "newPassword", "dbPassword", "rootPassword", "DB_PASSWORD"),
        *("master-user-password", "masterUserPassword", "passwd", "USER_PASSWD", "pwd", "db_pass"),
        *("passphrase", "passcode", "password1", "PASSWORD_2", "passwordHash", "passwords"),
        *("secret", "clientSecret", "client_secret", "secretString", "secretBinary", "secretKey"),
        *("secretAccessKey", "AWS_SECRET_ACCESS_KEY", "secretHash", "secrets", "SharedSecret"),
        *("token", "sessionToken", "X-Amz-Security-Token", "authToken", "oAuthToken", "idToken"),
        *("accessToken", "refresh_token", "webIdentityToken", "bearerToken", "agentToken"),
        *("githubToken", "deploymentToken", "contextToken", "csrf-token", "tokenCode", "mfaCode"),
        *("apiKey", "api_key", "api-key", "x-api-key", "ApiKeys", "privateKey", "PRIVATE_KEY"),
        *("preSharedKey", "AccountKey", "keyMaterial", "privateKeyPlainText", "signingKey"),
        *("connectionString", "connection_string", "CONNECTION_STRINGS", "connectionUrl"),
        *("credential", "credentials", "userCredentials", "authorization", "Authorization"),
        *("proxy-authorization", "authHeader", "authorizationCode", "samlAssertion", "Cookie"),
        *("userData", "user_data", "X-Amz-Signature", "spring.datasource.password"),
    )
    gone = [(f"{name} as text", {name: "SECRET", "a": 1}, {name: GONE, "a": 1}) for name in names]
    for name in ("sessionToken", "PASSWORDS", "secret", "credentials", "user-data", "apiKey"):
        gone += [
            (f"{name} as list", {name: ["SECRET", "SECRET2"]}, {name: GONE}),
            (f"{name} as object", {name: {"value": "SECRET"}}, {name: GONE}),
            (
                f"{name} as tree",
                {"a": {name: [{"b": ["SECRET"]}]}, "c": []},
                {"a": {name: GONE}, "c": []},
            ),
        ]
    return [
        *gone,
        ("a quote in it", {"password": 'a"SECRET"b\\'}, {"password": GONE}),
        ("brackets in it", {"tokens": ["}]SECRET[{", '"'], "b": "c"}, {"tokens": GONE, "b": "c"}),
        (
            "a backslash at the end",
            {"a": "b\\", "password": "SECRET\\", "c": "\\\\"},
            {"a": "b\\", "password": GONE, "c": "\\\\"},
        ),
        (
            "issued credentials",
            {
                "credentials": {
                    "accessKeyId": "ASIA1",
                    "sessionToken": "SECRET",
                    "expiration": "May 1",
                },
                "b": 1,
            },
            {
                "credentials": {
                    "accessKeyId": "ASIA1",
                    "sessionToken": GONE,
                    "expiration": "May 1",
                },
                "b": 1,
            },
        ),
        (
            "issued credentials with a quote",
            {"credentials": {"accessKeyId": "ASIA1", "sessionToken": 'SEC"RET SECRET'}, "b": 1},
            {"credentials": {"accessKeyId": "ASIA1", "sessionToken": GONE}, "b": 1},
        ),
        (
            "other credentials",
            {"credentials": {"username": "eve", "value": "SECRET"}},
            {"credentials": GONE},
        ),
        ("a tree too deep", {"a": 1, "secret": {"b": [{"c": [{"d": ["SECRET"]}]}]}}, WHOLE),
    ]


def _quoted() -> list[tuple[str, Any, Any]]:
    """Return JSON in JSON."""
    values: tuple[tuple[Any, Any], ...] = (
        ({"sessionToken": "SECRET", "a": "b"}, {"sessionToken": GONE, "a": "b"}),
        ({"password": 'q"SECRET"z\\', "a": ""}, {"password": GONE, "a": ""}),
        ({"a": "\\", "apiKeys": ["SECRET", '"']}, {"a": "\\", "apiKeys": GONE}),
        (
            {"a": [{"name": "DB_TOKEN", "value": "SECRET"}]},
            {"a": [{"name": "DB_TOKEN", "value": GONE}]},
        ),
        ({"credentials": {"password": {"SECRET": "SECRET"}}}, {"credentials": GONE}),
    )
    found = [
        (f"{value} quoted {times} times", _nested(value, times), _nested(left, times))
        for value, left in values
        for times in (1, 2, 3, 4)
    ]
    found += [(f"{value} quoted 5 times", _nested(value, 5), WHOLE) for value, _ in values]
    pretty = json.dumps({"password": ["SECRET"], "b": {"token": "SECRET"}}, indent=2)
    return [
        *found,
        (
            "pretty, quoted",
            {"body": pretty},
            {"body": pretty.replace('[\n    "SECRET"\n  ]', f'"{GONE}"').replace("SECRET", GONE)},
        ),
        ("cut, quoted", {"body": '{"password": "SECRET'}, WHOLE),
        (
            "a policy that nothing reaches",
            {"policy": _text({"password": [[[[["SECRET"]]]]]}), "roleArn": "r"},
            {"policy": GONE, "roleArn": "r"},
        ),
    ]


def _pairs() -> list[tuple[str, Any, Any]]:
    """Return names and values side by side."""
    pairs = (
        *(
            ("name", "value"),
            ("Name", "Value"),
            ("key", "value"),
            ("Key", "Value"),
            ("id", "value"),
        ),
        *(("parameterKey", "parameterValue"), ("ParameterName", "ParameterValue")),
        *(("optionName", "value"), ("headerName", "headerValues"), ("variable", "values")),
    )
    return [
        *(
            (f"{name} and {value}", members, {**members, value: GONE})
            for name, value in pairs
            for members in (
                {name: "DB_PASSWORD", value: "SECRET"},
                {value: "SECRET", name: "/app/db/api-key"},
                {name: "authToken", "type": "PLAIN", "n": 1, value: 'a"SECRET'},
                {value: ["SECRET"], "n": None, name: "clientSecret"},
            )
        ),
        (
            "a list of them",
            [
                {"key": "a", "value": "b"},
                {"key": "secret", "value": "SECRET"},
                {"key": "c", "value": "d"},
            ],
            [
                {"key": "a", "value": "b"},
                {"key": "secret", "value": GONE},
                {"key": "c", "value": "d"},
            ],
        ),
        (
            "a list of them, values first",
            [
                {"value": "b", "key": "a"},
                {"value": "SECRET", "key": "token"},
                {"value": "d", "key": "c"},
            ],
            [
                {"value": "b", "key": "a"},
                {"value": GONE, "key": "token"},
                {"value": "d", "key": "c"},
            ],
        ),
    ]


def _environments() -> list[tuple[str, Any, Any]]:
    """Return environment variables, whatever their names."""
    listed = [
        {"name": "URL", "value": "SECRET"},
        {"name": "B", "value": "SECRET", "type": "PLAINTEXT"},
    ]
    return [
        (
            "a Lambda function",
            {"functionName": "f", "environment": {"variables": {"A": "SECRET"}}, "timeout": 3},
            {"functionName": "f", "environment": {"variables": GONE}, "timeout": 3},
        ),
        (
            "an ECS task",
            {"containerDefinitions": [{"name": "web", "environment": listed, "cpu": 1}]},
            {"containerDefinitions": [{"name": "web", "environment": GONE, "cpu": 1}]},
        ),
        (
            "a CodeBuild project",
            {"environment": {"type": "LINUX_CONTAINER", "environmentVariables": listed}},
            {"environment": {"type": "LINUX_CONTAINER", "environmentVariables": GONE}},
        ),
        (
            "a build",
            {"environmentVariablesOverride": listed, "projectName": "p"},
            {"environmentVariablesOverride": GONE, "projectName": "p"},
        ),
        ("a model", {"environment": {"URL": "SECRET", "B_2": "SECRET"}}, {"environment": GONE}),
        (
            "a service",
            {"runtimeEnvironmentVariables": {"url": "SECRET"}},
            {"runtimeEnvironmentVariables": GONE},
        ),
        ("a pod", _nested({"env": listed}, 1), _nested({"env": GONE}, 1)),
    ]


def _inside() -> list[tuple[str, Any, Any]]:
    """Return secrets inside of a text."""
    key = "-----BEGIN RSA PRIVATE KEY-----\nSECRET+/=\n-----END RSA PRIVATE KEY-----\n"
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTRUNSRVQifQ.SECRET-_"
    texts = (
        (
            "https://b/k?X-Amz-Security-Token=SECRET&a=b",
            f"https://b/k?X-Amz-Security-Token={GONE}&a=b",
        ),
        ("https://b/k?a=b&X-Amz-Signature=SECRET", f"https://b/k?a=b&X-Amz-Signature={GONE}"),
        ("https://b/k?Signature=SECRET#x", f"https://b/k?Signature={GONE}"),
        ("https://b/k?code=SECRET&state=s", f"https://b/k?code={GONE}&state=s"),
        ("https://b/k?access_token=SECRET;a", f"https://b/k?access_token={GONE};a"),
        ("https%3A%2F%2Fb%3Ftoken%3DSECRET", f"https%3A%2F%2Fb%3Ftoken%3D{GONE}"),
        ("postgres://eve:SECRET@db:5432/app", f"postgres://eve:{GONE}@db:5432/app"),
        ("Server=db;Pwd=SECRET;Database=a", f"Server=db;Pwd={GONE};Database=a"),
        ("AccountName=a;AccountKey=SECRET==;b", f"AccountName=a;AccountKey={GONE};b"),
        ("mysql --password=SECRET -h db", f"mysql --password={GONE} -h db"),
        ("mysql --password SECRET -h db", f"mysql --password {GONE} -h db"),
        ("export DB_PASSWORD='SECRET one' && run", f"export DB_PASSWORD='{GONE}' && run"),
        ('PASSWORD="SECRET one" run', f'PASSWORD="{GONE}" run'),
        ("{'password': 'SECRET'}", f"{{'password': '{GONE}'}}"),
        ("user: eve\npassword: SECRET\nhost: db", f"user: eve\npassword: {GONE}\nhost: db"),
        ("Authorization: Bearer SECRET", f"Authorization: Bearer {GONE}"),
        ("curl -H x -H Bearer SECRET0123456789abc", f"curl -H x -H Bearer {GONE}"),
        (f"a {jwt} b", f"a {GONE} b"),
        (f"a {'ghp_' + 'SECRET' * 6}", f"a {GONE}"),
        (f"a {'IQoJb3JpZ2luX2VjE' + 'SECRET' * 6}", f"a {GONE}"),
    )
    return [
        *((text, {"a": text, "b": "c"}, {"a": left, "b": "c"}) for text, left in texts),
        *(
            (
                f"{text}, quoted {times} times",
                _nested([text, "c"], times),
                _nested([left, "c"], times),
            )
            for text, left in texts
            for times in (1, 2)
        ),
        ("a private key", {"a": key, "b": "c"}, {"a": GONE, "b": "c"}),
        (
            "a private key, quoted",
            _nested({"a": key, "b": "c"}, 2),
            _nested({"a": GONE, "b": "c"}, 2),
        ),
        ("a redirect", {"RedirectTo": "https://x/?code=SECRET#y"}, {"RedirectTo": "https://x/"}),
        (
            "a redirect, quoted",
            _nested({"LoginTo": "https://x/#SECRET"}, 1),
            _nested({"LoginTo": "https://x/"}, 1),
        ),
    ]


_HARMLESS: tuple[Any, ...] = (
    {"passwordResetRequired": True, "tokenCount": 3, "maxTokens": 512, "password": None},
    {"hasPassword": "true", "requirePassword": "false", "a": "b"},
    {"secretId": "app/db", "secretArn": "arn:aws:secretsmanager:us-east-1:1:secret:app/db-AbCdEf"},
    {
        "secretName": "a",
        "tokenType": "Bearer",
        "credentialType": "PASSWORD",
        "passwordPolicy": {"a": 1},
    },
    {"authorizationType": "AWS_IAM", "authorizerCredentialsArn": "arn", "credentialsProvider": "x"},
    {"nextToken": "n", "clientToken": "c", "clientRequestToken": "r", "continuationToken": "x"},
    {
        "CLIENTREQUESTTOKEN": "r",
        "nextPageToken": "p",
        "idempotencyToken": "i",
        "nextForwardToken": "f",
    },
    {"subjectFromWebIdentityToken": "repo:a/b", "provider": "token.actions.githubusercontent.com"},
    {"password": "", "secrets": [], "environment": [], "credentials": {}, "tokens": []},
    {
        "environment": "production",
        "variables": "a",
        "environmentId": "e-1",
        "computeEnvironment": "c",
    },
    {"secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:::parameter/db"}]},
    {"registryCredential": {"credentialProvider": "SECRETS_MANAGER"}},
    {"name": "DB_PASSWORD_FILE", "value": "/run/db"},
    {"name": "password", "other": {"value": "x"}},
    [{"key": "team", "value": "token"}, {"key": "kind", "value": "password"}],
    {"filters": ["password", "secret"], "message": "the password is wrong"},
    {"a": "https://x/?nextToken=n&key=a/b", "b": "https://host:8080/a@b", "c": "s3://b/a:b@c"},
    {"certificate": "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----"},
    {
        "publicKey": "ssh-rsa AAAA",
        "publicKeyMaterial": "AAAA",
        "accessKeyId": "AKIA",
        "kmsKey": "k",
    },
    {"accessKey": {"accessKeyId": "AKIA1", "status": "Active", "userName": "eve"}},
    {"body": _text({"nextToken": "n", "tokenCount": 1, "secretId": "s", "a": "\\"}), "b": "\\"},
    {"SwitchFrom": "arn:aws:iam::1:user/secret", "MFAUsed": "Yes"},
    {"roleSessionName": "token", "roleArn": "arn:aws:iam::1:role/password"},
    {"eventCode": "x", "statusCode": "200", "bypass": "yes", "compass": "north"},
    "Basic authentication failed",
    "The security token included in the request is invalid",
    "User: arn:aws:iam::1:user/eve is not authorized to perform: secretsmanager:GetSecretValue",
    "User: eve is not authorized to perform x on resource: arn:aws:secretsmanager:a:1:secret:b",
    "aws-cli/2.15.0 md/prompt#off md/command#secretsmanager.get-secret-value cfg/retry-mode#a",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0",
    "\x01\x02",
    "",
)

_PLAIN = (
    ('{"sessionToken":"SECRET"}', f'{{"sessionToken":"{GONE}"}}'),
    (
        'failed: {"a":"{\\"password\\":\\"SECRET\\"}"} x',
        f'failed: {{"a":"{{\\"password\\":\\"{GONE}\\"}}"}} x',
    ),
    ("password=SECRET", f"password={GONE}"),
    ("token=SECRET", f"token={GONE}"),
    ("Cannot log in with password: SECRET", f"Cannot log in with password: {GONE}"),
    (
        "GET https://b/k?X-Amz-Security-Token=SECRET&x=1 gave 403",
        f"GET https://b/k?X-Amz-Security-Token={GONE}&x=1 gave 403",
    ),
    ("my-agent/1.0 token=SECRET", f"my-agent/1.0 token={GONE}"),
    ("my-agent/1.0 (apiKey: SECRET)", f"my-agent/1.0 (apiKey: {GONE}"),
    ("Authorization: Basic SECRET==", f"Authorization: Basic {GONE}"),
    ("-----BEGIN OPENSSH PRIVATE KEY----- SECRET", GONE),
    ("\x02a \x01password=SECRET", f"a password={GONE}"),
    ('cut {"password":"SECRET', WHOLE),
    ("not json, 'secret': 'SECRET'", f"not json, 'secret': '{GONE}'"),
)
