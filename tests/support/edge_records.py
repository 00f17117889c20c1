"""Records with everything that the two engines might read apart: one trail of edge cases."""

from __future__ import annotations

from typing import Any

from support.logs import event, log_key


def edge_trail() -> dict[str, list[Any]]:
    """Return the records of each log file by its key."""
    twice = event(1, eventTime="2026-03-02T10:00:00Z", errorCode="AccessDenied")
    return {
        log_key("111122223333", "us-east-1", "2026/03/02"): [
            twice,
            twice,
            # Times: fractions, an offset, a leap day, and four that are not times.
            event(2, eventTime="2026-03-02T10:00:00.123456Z"),
            event(3, eventTime="2026-03-02T19:00:00+09:00"),
            event(4, eventTime="2024-02-29T23:59:59Z"),
            event(5, eventTime="2026-02-30T00:00:00Z"),
            event(6, eventTime="2026-03-02 10:00:00"),
            event(7, eventTime="..."),
            {"eventName": "NoTime"},
            # No id: the hash of what is there stands for it.
            _without(event(8, userAgent="a\tb", errorMessage=""), "eventID"),
            _without(event(8, userAgent="a\tb", errorMessage=""), "eventID"),
            _without(event(9, userIdentity={"type": "Root", "arn": None}), "eventID"),
            # No account: the path's.
            _without(event(10), "recipientAccountId"),
            # Texts.
            event(
                11, userAgent="\N{GRINNING FACE} 'quoted', \"twice\"\n", eventName="名前\u2028Name"
            ),
            event(12, readOnly="TRUE", managementEvent=True, sessionCredentialFromConsole="true"),
            event(13, readOnly=False, recipientAccountId="000000000042"),
        ],
        log_key("444455556666", "eu-central-1", "2026/03/04"): [
            # A late copy, in another account's file.
            twice,
            event(
                20,
                recipientAccountId="444455556666",
                requestParameters={
                    "nested": {"deep": [1, 2.5, 1e30, True, None, {"Tag": "a", "tag": "b"}]},
                    "masterUserPassword": "hunter2",
                    "text": '{"sessionToken":"inner secret"}',
                    "big": 12345678901234567890123,
                },
                responseElements={"credentials": {"sessionToken": "secret", "accessKeyId": "ASIA"}},
                additionalEventData={
                    "LoginTo": "https://console.aws.amazon.com/console/home?state=secret#x",
                    "RedirectTo": "https://s3.console.aws.amazon.com/s3/home?region=eu-west-2",
                },
                resources=[
                    {"ARN": "arn:aws:s3:::one", "accountId": "444455556666", "type": "AWS::S3"},
                    {"ARN": "arn:aws:s3:::two"},
                ],
                userIdentity={
                    "type": "AssumedRole",
                    "principalId": "AROAEXAMPLE:eve",
                    "arn": "arn:aws:sts::444455556666:assumed-role/Admin/eve",
                    "accountId": "444455556666",
                    "accessKeyId": "",
                    "sessionContext": {
                        "attributes": {
                            "mfaAuthenticated": "false",
                            "creationDate": "2026-03-01T09:00:00Z",
                        },
                        "sessionIssuer": {},
                    },
                },
            ),
            event(21, recipientAccountId="444455556666", requestParameters=None, resources=[]),
            # What should be JSON and is not.
            event(
                23,
                recipientAccountId="444455556666",
                eventSource="signin.amazonaws.com",
                eventName="SwitchRole",
                additionalEventData="not json",
                responseElements="{bad",
            ),
            # Two switches of one second without ids: SwitchTo tells them apart.
            *(
                _without(
                    event(
                        24,
                        recipientAccountId="444455556666",
                        eventSource="signin.amazonaws.com",
                        eventName="SwitchRole",
                        userIdentity={
                            "type": "IAMUser",
                            "arn": "arn:aws:iam::444455556666:user/eve",
                        },
                        responseElements={"SwitchRole": "Success"},
                        additionalEventData={"SwitchTo": f"arn:aws:iam::777788889999:role/{role}"},
                    ),
                    "eventID",
                )
                for role in ("One", "Two")
            ),
            event(22, recipientAccountId="444455556666", eventVersion="9.99", aNewField={"x": 1}),
        ],
        # Loose: neither path nor name tells account or day.
        "loose/events.json.gz": [
            _without(event(30, userIdentity={"accountId": "777788889999"}), "recipientAccountId"),
            _without(event(31), "recipientAccountId"),
        ],
    }


def _without(record: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != member}
