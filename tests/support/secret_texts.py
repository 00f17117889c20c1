"""Texts as AWS logs them, with what has to be left of each once its secrets are gone.

A value that is gone is ``REDACTED``, and whatever has to go says ``SECRET`` here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

GONE = "REDACTED"
WHOLE = '{"redacted": true}'
_BEANSTALK = "aws:elasticbeanstalk:application:environment"
_DEEP = [[[[[1]]]]]


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
    """Return texts that are not JSON: error messages and user agents."""
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
        *("password ", "DB_TOKEN  ", "sharedAccessSignature", "pw", "otp", "adminPin", "userOtp"),
        *("sshKey", "ssh_key", "hostKey", "hostKeyBody"),
        *("newPass", "oldPass", "smtpPass", "pin", "passwordData", "plaintext", "db password"),
        *("storage_access_key", "encryptionKey", "hmacKey", "HMAC_KEY", "pre_shared_key"),
        *(
            "x-amz-server-side-encryption-customer-key",
            "sseCustomerKey",
            "copySourceSSECustomerKey",
        ),
        "x-amz-copy-source-server-side-encryption-customer-key",
        *("base32StringSeed", "qRCodePNG", "authenticationCode1", "totp_seed"),
        *("password_", "password[0]", "user[password]", "user[0][password]", "token[]"),
        *("password123", "token\t", "password\n", "passwordConfirmation", "confirm_password_new"),
        *("secretContent", "secretToAuthenticateInitiator", "pass-phrase", "setCookie"),
        *("authorizationHeader", "Signature", "sessionKey", "tokenKey", "privateKeyPem"),
        "spark.executorEnv.FOO",
        *("fs.s3a.secret.key", "spark.hadoop.fs.s3a.secret.key", "fs.s3a.bucket.x.secret.key"),
        *("secret.access.key", "secret key", "fs.azure.account.key.a.dfs.core.windows.net"),
        *("fs.azure.sas.container.a.blob.core.windows.net", "SECRET_KEY_BASE", "secretKeyBase"),
        *("secretAnswer", "passwordEncrypted", "password_field", "passwordParam", "passwordSalt"),
        *("secretCode", "licenseKey", "masterKey", "RAILS_MASTER_KEY", "APP_KEY", "fernet_key"),
        *("decryptionKey", "subscriptionKey", "Ocp-Apim-Subscription-Key", "x-functions-key"),
        *("basicAuth", "kubeconfig", "pfx", "keystore", "kerberosKeytab", "activationCode"),
        *("securityCode", "securityDbEncryption", "accessKey", "AWS_ACCESS_KEY"),
    )
    gone = [
        (
            f"{name} as text, quoted {times} times",
            _nested({name: "SECRET", "a": 1}, times),
            _nested({name: GONE, "a": 1}, times),
        )
        for name in names
        for times in (0, 1, 2)
    ]
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
        ("a key of a stream", {"streamKey": {"arn": "a", "value": "SECRET"}}, {"streamKey": GONE}),
        (
            "a name with too many letters",
            {"secretToAuthenticate" + "x" * 40: "SECRET"},
            {"secretToAuthenticate" + "x" * 16: GONE},
        ),
        ("a tree too deep", {"a": 1, "secret": {"b": [{"c": [{"d": ["SECRET"]}]}]}}, WHOLE),
        (
            "login of a registry",
            {"auths": {"r": {"auth": "U0VDUkVU+SECRET/0123=="}}},
            {"auths": {"r": {"auth": GONE}}},
        ),
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
    found += [
        (f"{value} quoted 5 times", _nested(value, 5) | {"a": 1}, {"body": GONE, "a": 1})
        for value, _ in values
    ]
    pretty = json.dumps({"password": ["SECRET"], "b": {"token": "SECRET"}}, indent=2)
    return [
        *found,
        (
            "pretty, quoted",
            {"body": pretty},
            {"body": pretty.replace('[\n    "SECRET"\n  ]', f'"{GONE}"').replace("SECRET", GONE)},
        ),
        ("cut, quoted", {"body": '{"password": "SECRET'}, {"body": GONE}),
        *(
            (
                f"{text} that nothing reaches",
                {"roleArn": "r", "tags": [{"key": "k", "value": text}], "externalId": text, "a": 1},
                {"roleArn": "r", "tags": [{"key": "k", "value": GONE}], "externalId": GONE, "a": 1},
            )
            for text in (
                _text({"password": [[[[["SECRET"]]]]]}),
                "SECRET" + "\\" * 31 + '"password":{"',
                "password" + "\\" * 16 + '":" SECRET',
                '<password>a"SECRET</password>',
                "{\\u0022password\\u0022:\\u0022SECRET\\u0022}",
                "{\\u0022secrets\\u0022: [\\u0022SECRET\\u0022]}",
                '[{"name":"DB_TOKEN","value":"SECRET"}]'.replace('"', "\\u0022"),
                "{&quot;password&quot;:&quot;SECRET&quot;}",
                "{&#34;password&#34;: {&#34;a&#34;:&#34;SECRET&#34;}}",
            )
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
        *(("k", "v"), ("K", "V"), ("OptionName", "Value"), ("name", "default")),
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
        *(
            (
                f"{name} in a name",
                {"name": name, "value": "SECRET", "a": "b"},
                {"name": name, "value": GONE, "a": "b"},
            )
            for name in ("/app/password/main", "DB_PASSWORD_PROD", "secret-of-app")
        ),
        *(
            (f"{members}, several values", members, left)
            for members, left in (
                (
                    {"name": "DB_PASSWORD", "value": "SECRET", "defaultValue": "x"},
                    {"name": "DB_PASSWORD", "value": GONE},
                ),
                (
                    {"name": "DB_PASSWORD", "a": "b", "default": "x", "value": ["SECRET"], "c": 1},
                    {"name": "DB_PASSWORD", "a": "b", "default": GONE, "c": 1},
                ),
                (
                    {"oldValue": "x", "newValue": "SECRET", "name": "DB_PASSWORD"},
                    {"oldValue": GONE, "name": "DB_PASSWORD"},
                ),
                (
                    {"oldValue": "SECRET", "name": "DB_PASSWORD", "newValue": "SECRET", "a": "b"},
                    {"oldValue": GONE, "name": "DB_PASSWORD", "newValue": GONE, "a": "b"},
                ),
            )
        ),
        *(
            (
                f"{members}, quoted {times} times",
                _nested(members, times),
                _nested({**members, name: GONE}, times),
            )
            for times in (0, 1, 2)
            for name, members in (
                ("value", {"path": "/Environment/Variables", "value": {"FOO": "SECRET"}}),
                (
                    "value",
                    {
                        "op": "add",
                        "path": "/ContainerDefinitions/0/Environment",
                        "value": [{"Name": "FOO", "Value": "SECRET"}],
                    },
                ),
                ("value", {"key": "X-Foo", "value": "SECRET", "isValueSecret": True}),
                ("value", {"isValueSecret": True, "key": "X-Foo", "value": "SECRET"}),
                ("accessKey", {"url": "u", "accessKey": "SECRET", "name": "n"}),
            )
        ),
        *(
            (f"{members} that nothing reaches", members, WHOLE)
            for members in (
                {"name": "DB_PASSWORD", "meta": _DEEP, "value": "SECRET"},
                {"value": "SECRET", "meta": _DEEP, "name": "DB_PASSWORD"},
                {"name": "DB_PASSWORD", "value": [_DEEP, "SECRET"]},
            )
        ),
        *(
            (
                f"{members} that nothing reaches, quoted",
                {"roleArn": "r", "body": _text(members), "a": 1},
                {"roleArn": "r", "body": GONE, "a": 1},
            )
            for members in (
                {"name": "DB_PASSWORD", "meta": _DEEP, "value": "SECRET"},
                {"value": "SECRET", "meta": _DEEP, "name": "DB_PASSWORD"},
                {"name": "DB_PASSWORD", "value": [_DEEP, "SECRET"]},
            )
        ),
        *(
            (f"{cut}, cut and quoted", {"body": cut, "a": 1}, {"body": GONE, "a": 1})
            for cut in (
                '{"name":"DB_PASSWORD","value":"SECRET',
                '{"name":"DB_PASSWORD","type":"a","value":["SECRET"',
            )
        ),
        (
            "changes of a stage",
            {
                "patchOperations": [
                    {"op": "replace", "path": "/variables/url", "value": "SECRET"},
                    {"value": "SECRET", "path": "/clientSecret", "op": "replace"},
                    {"op": "replace", "path": "/a/header.Authorization", "value": "'SECRET'"},
                    {"op": "replace", "path": "/description", "value": "a"},
                ]
            },
            {
                "patchOperations": [
                    {"op": "replace", "path": "/variables/url", "value": GONE},
                    {"value": GONE, "path": "/clientSecret", "op": "replace"},
                    {"op": "replace", "path": "/a/header.Authorization", "value": GONE},
                    {"op": "replace", "path": "/description", "value": "a"},
                ]
            },
        ),
        (
            "an object between",
            {"name": "DB_PASSWORD", "meta": {"a": [], "b": "c"}, "value": "SECRET"},
            {"name": "DB_PASSWORD", "meta": {"a": [], "b": "c"}, "value": GONE},
        ),
        (
            "an object as value",
            {"name": "DB_PASSWORD", "value": {"S": ["SECRET"]}},
            {"name": "DB_PASSWORD", "value": GONE},
        ),
        (
            "a secure parameter",
            {"name": "/prod/db", "value": "SECRET", "type": "SecureString"},
            {"name": "/prod/db", "value": GONE, "type": "SecureString"},
        ),
        (
            "pairs as lists",
            {"headers": [["Authorization", "Bearer SECRET"], ["a", "b"], ["cookie", ["SECRET"]]]},
            {"headers": [["Authorization", GONE], ["a", "b"], ["cookie", GONE]]},
        ),
        (
            "a list of headers",
            ["Host", "h", "Authorization", "Bearer SECRET", "Accept", "a"],
            ["Host", "h", "Authorization", f"Bearer {GONE}", "Accept", "a"],
        ),
        *(
            (f"arguments, {flag}", ["run", flag, value, "x"], ["run", flag, GONE, "x"])
            for flag in ("--password", "--token", "--api-key", "-secret")
            for value in ("SECRET", 'a"SECRET b')
        ),
        (
            "arguments, quoted",
            _nested({"args": ["--db-password", "SECRET", "-x"]}, 2),
            _nested({"args": ["--db-password", GONE, "-x"]}, 2),
        ),
        (
            "arguments of mysql",
            ["mysql", "-h", "db", "-pSECRET"],
            ["mysql", "-h", "db", f"-p{GONE}"],
        ),
        (
            "arguments of docker",
            ["docker", "login", "-u", "eve", "-p", "SECRET", "r"],
            ["docker", "login", "-u", "eve", "-p", GONE, "r"],
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
        *(
            (f"a model, {name}", {"environment": {name: "SECRET"}}, {"environment": GONE})
            for name in ("foo", "Foo", "dbUrl", "FOO", "f1.x")
        ),
        ("variables of a shell", {"env": {"foo": "SECRET"}, "a": 1}, {"env": GONE, "a": 1}),
        *(
            (
                f"a model, {first}",
                {"environment": {first: "x", "URL": "SECRET"}},
                {"environment": GONE},
            )
            for first in ("modelId", "tableArn", "type", "error", "image", "fleet", "status")
        ),
        *(
            (f"{name}, a name of variables", {name: {"A": "SECRET"}}, {name: GONE})
            for name in (
                *("containerEnvironment", "jobEnvironment", "environmentProperties", "environ"),
                *("environmentOverrides", "stageVariables", "task_environment"),
            )
        ),
        (
            "an action of a pipeline",
            {"configuration": {"EnvironmentVariables": _text(listed), "ProjectName": "p"}},
            {"configuration": {"EnvironmentVariables": GONE, "ProjectName": "p"}},
        ),
        (
            "a function, quoted",
            {"environment": {"variables": _text({"A": "SECRET"})}},
            {"environment": {"variables": GONE}},
        ),
        ("a line", {"environment": "A=SECRET", "a": "b"}, {"environment": GONE, "a": "b"}),
        (
            "a project with all members",
            {
                "environment": {
                    "image": "i",
                    "environmentVariables": listed,
                    "privilegedMode": False,
                    "registryCredential": {"credential": "arn", "credentialProvider": "x"},
                }
            },
            {
                "environment": {
                    "image": "i",
                    "environmentVariables": GONE,
                    "privilegedMode": False,
                    "registryCredential": {"credential": GONE, "credentialProvider": "x"},
                }
            },
        ),
        (
            "a quoted model",
            _nested({"environment": {"foo": "SECRET"}}, 2),
            _nested({"environment": GONE}, 2),
        ),
        *(
            (
                f"Elastic Beanstalk, {option}",
                [
                    {"namespace": _BEANSTALK, option: "FOO", value: "SECRET"},
                    {value: "SECRET", option: "FOO", "Namespace": _BEANSTALK},
                    {"namespace": "aws:autoscaling:asg", option: "MinSize", value: "1"},
                ],
                [
                    {"namespace": _BEANSTALK, option: "FOO", value: GONE},
                    {value: GONE, option: "FOO", "Namespace": _BEANSTALK},
                    {"namespace": "aws:autoscaling:asg", option: "MinSize", value: "1"},
                ],
            )
            for option, value in (("optionName", "value"), ("OptionName", "Value"))
        ),
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
        ("https://b/home%3Fcode%3DSECRET%26state%3Ds", f"https://b/home%3Fcode%3D{GONE}"),
        ("https%253A%252F%252Fb%253Fcode%253DSECRET", f"https%253A%252F%252Fb%253Fcode%253D{GONE}"),
        ("mongodb://eve:a@SECRET@db/app?x=1", f"mongodb://eve:{GONE}@db/app?x=1"),
        ("mongodb://eve:a@b:SECRET@db,h2@", f"mongodb://eve:{GONE}@"),
        (
            "<ike><pre_shared_key>SECRET</pre_shared_key></ike>",
            f"<ike><pre_shared_key>{GONE}</pre_shared_key></ike>",
        ),
        (
            "<Password>SECRET &amp; SECRET</Password><a>b</a>",
            f"<Password>{GONE}</Password><a>b</a>",
        ),
        ("<password><![CDATA[SECRET]]></password>", f"<password><![CDATA[{GONE}</password>"),
        ("<add key='password' value='SECRET one'/>", f"<add key='password' value='{GONE}'/>"),
        ("<add value='SECRET one' key='password'/>", f"<add value='{GONE}' key='password'/>"),
        ("curl -u eve:SECRET https://x", f"curl -u eve:{GONE} https://x"),
        ("curl --user 'eve:SECRET' https://x", f"curl --user 'eve:{GONE}' https://x"),
        ("mysql -u root -pSECRET app", f"mysql -u root -p{GONE} app"),
        ("sshpass -p SECRET ssh h", f"sshpass -p {GONE} ssh h"),
        ("mysql -p'SECRET' app", f"mysql -p'{GONE}' app"),
        ("docker login -u eve -p SECRET r", f"docker login -u eve -p {GONE} r"),
        ("ConvertTo-SecureString 'SECRET' -Force", f"ConvertTo-SecureString '{GONE}' -Force"),
        ("ConvertTo-SecureString -String SECRET", f"ConvertTo-SecureString -String {GONE}"),
        ("https://x/?key=AIzaSECRET-0123456789_0123456789xyz&a=b", f"https://x/?key={GONE}&a=b"),
        ("https://x/?a=b&key=SECRET-0123456789xyz_", f"https://x/?a=b&key={GONE}"),
        ("https%3A%2F%2Fx%3Fkey%3DSECRET-0123456789xyz_", f"https%3A%2F%2Fx%3Fkey%3D{GONE}"),
        ("https://x/?auth=SECRET/0123456789+xyz==", f"https://x/?auth={GONE}"),
        ("SharedAccessSignature=SECRET;a=b", f"SharedAccessSignature={GONE};a=b"),
        (
            "<n:password type=\"text\" id='p'>SECRET</n:password>",
            f"<n:password type=\"text\" id='p'>{GONE}</n:password>",
        ),
        (
            "PuTTY-User-Key-File-2: x\nPrivate-Lines: 1\nSECRET==\nPrivate-MAC: SECRET",
            f"PuTTY-User-Key-File-2: x\n{GONE}",
        ),
        ("password: >\n  SECRET\n  SECRET two\nhost: db", f"password: {GONE}\nhost: db"),
        ("a:\n  token: |-\n    SECRET\n\n    SECRET", f"a:\n  token: {GONE}"),
        ("password:\n  SECRET\nhost: db", f"password:\n  {GONE}\nhost: db"),
        ("password=ab,SECRET one", f"password={GONE} one"),
        ("password=ab&SECRET", f"password={GONE}"),
        ("password=SECRET, user=eve", f"password={GONE}, user=eve"),
        ("password=ab&SECRET&user=eve", f"password={GONE}&user=eve"),
        ("Server=a;Password = SECRET two;b=c", f"Server=a;Password = {GONE};b=c"),
        ("Server=a;Password=SECRET two;b=c", f"Server=a;Password={GONE};b=c"),
        ("Password=SECRET two;Server=a", f"Password={GONE};Server=a"),
        ("Password = SECRET SECRET\nhost", f"Password = {GONE}\nhost"),
        ("https://hooks.slack.com/services/T0/B0/SECRET", f"https://{GONE}"),
        ("Authorization:Bearer SECRET", f"Authorization:Bearer {GONE}"),
        ("curl -H 'X-Api-Key:SECRET' h", f"curl -H 'X-Api-Key:{GONE}' h"),
        ("apiKey:SECRET", f"apiKey:{GONE}"),
        ("a {authToken:SECRET}", f"a {{authToken:{GONE}"),
        ("a Bearer SECRET1xyz", f"a Bearer {GONE}"),
        (
            "- name: DB_PASSWORD\n  value: SECRET one\n- name: a\n  value: b",
            f"- name: DB_PASSWORD\n  value: {GONE}\n- name: a\n  value: b",
        ),
        (
            "- name: DB_PASSWORD\n  type: a\n  value: 'SECRET'",
            f"- name: DB_PASSWORD\n  type: a\n  value: '{GONE}'",
        ),
        (
            "<name>DB_PASSWORD</name><value>SECRET</value>",
            f"<name>DB_PASSWORD</name><value>{GONE}</value>",
        ),
        (
            "<key>password</key>\n<string>SECRET</string>",
            f"<key>password</key>\n<string>{GONE}</string>",
        ),
        (
            "<password><value>SECRET</value></password>",
            f"<password><value>{GONE}</value></password>",
        ),
        (
            '<property name="password">SECRET</property>',
            f'<property name="password">{GONE}</property>',
        ),
        ('"token": SECRET', f'"token": {GONE}'),
        ("'password': SECRET", f"'password': {GONE}"),
        ('"password" => "SECRET"', f'"password" => "{GONE}"'),
        ("[('password', 'SECRET')]", f"[('password', '{GONE}')]"),
        ('&{Password:"SECRET"}', f'&{{Password:"{GONE}"}}'),
        ("passwords:\n- a\n- SECRET\nb: c", f"passwords:{GONE}\nb: c"),
        ("password: &a SECRET", f"password: &a {GONE}"),
        ("password: !!str SECRET", f"password: !!str {GONE}"),
        ("password:\n  value: SECRET", f"password:\n  value: {GONE}"),
        ("env:\n  variables:\n    A: SECRET\nphases:\n  b: c", f"env: {GONE}\nphases:\n  b: c"),
        ("environment:\n  - A=SECRET\nb: c", f"environment: {GONE}\nb: c"),
        ("https://b/k?token[]=SECRET&a=b", f"https://b/k?token[]={GONE}&a=b"),
        ("https://b/k?token%5B%5D=SECRET&a=b", f"https://b/k?token%5B%5D={GONE}&a=b"),
        ("Cookie: a=SECRET; b", f"Cookie: {GONE}; b"),
        ("ALTER USER a PASSWORD 'SECRET'", f"ALTER USER a PASSWORD '{GONE}'"),
        ("CREATE USER a IDENTIFIED BY 'SECRET' b", f"CREATE USER a IDENTIFIED BY '{GONE}' b"),
        ("SET PASSWORD FOR a = 'SECRET'", f"SET PASSWORD FOR a = '{GONE}'"),
        ("LOGIN a WITH PASSWORD = N'SECRET', A", f"LOGIN a WITH PASSWORD = {GONE}'{GONE}', A"),
        ("LOGIN a WITH PASSWORD=N'SECRET'", f"LOGIN a WITH PASSWORD={GONE}'{GONE}'"),
        (
            "UserData:\n  Fn::Base64: |\n    #!/bin/bash\n    a SECRET\nb: c",
            f"UserData:\n  Fn::Base64: {GONE}\nb: c",
        ),
        (
            "UserData:\n  Fn::Base64: !Sub |\n    #!/bin/bash\n    a SECRET",
            f"UserData:\n  Fn::Base64: !Sub {GONE}",
        ),
        ("UserData: !Base64 |\n  #!/bin/bash\n  a SECRET", f"UserData: !Base64 {GONE}"),
        ("Invalid environment={A=SECRET, B=SECRET} x", f"Invalid environment={{{GONE}}} x"),
        ("Environment(variables={A=SECRET})", f"Environment(variables={{{GONE}}})"),
        ("NetworkCredential('user','SECRET')", f"NetworkCredential('{GONE}','{GONE}')"),
        *(
            (text, text.replace("SECRET", GONE))
            for text in (
                "spark-submit --conf spark.hadoop.fs.s3a.secret.key=SECRET x",
                "fs.azure.account.key.a.dfs.core.windows.net=SECRET",
                "DbPassword:\n    Type: String\n    Default: SECRET\n  A: b",
                'CREATE USER a IDENTIFIED BY "SECRET" b',
                "ALTER USER a IDENTIFIED BY VALUES 'SECRET' b",
                "aws configure set aws_secret_access_key SECRET --profile a",
                'setx DB_PASSWORD "SECRET" /M',
                "setx DB_PASSWORD SECRET",
                "New-LocalUser -Name a -Password SECRET -b",
                "gpg --batch --passphrase SECRET -d f",
                "aws ssm put-parameter --name /x/db_password --value SECRET --type SecureString",
                "aws ssm put-parameter --name /x --type SecureString --value 'SECRET'",
                "'SECRET' | ConvertTo-SecureString -AsPlainText",
                "curl -uadmin:SECRET https://x",
                "curl -s -uadmin:SECRET https://x",
                "mysqladmin -u root password SECRET",
                "keytool -storepass SECRET -a",
                "openssl rsa -passin pass:SECRET -in k",
                "redis-server --requirepass SECRET",
                "npm config set //r/:_authToken SECRET",
                "Authorization: ApiKey SECRET",
                "Authorization: Splunk SECRET",
                "Authorization: GenieKey SECRET",
                "Authorization: SSWS SECRET",
                "https://x/?subscription-key=SECRET&a=b",
                "https://x/?accesskey=SECRET&a=b",
                "https://x/?appkey=SECRET&a=b",
                "https://x/?license_key=SECRET&a=b",
                "https://x/?sessionid=SECRET&a=b",
            )
        ),
        *(
            (f"a {shape}", f"a {GONE}")
            for shape in (
                *("AQoDYXdzEJr" + "SECRET" * 6, "eyJhbGciOiJSU0EifQ.SECRET1.SECRET2.x.y"),
                *("glpat-" + "SECRET" * 4, "npm_" + "SECRET" * 6, "sk-" + "SECRET" * 5),
                *("sk-ant-api03-" + "SECRET" * 3, "rk_live_" + "SECRET" * 3),
                *("hvs." + "SECRET" * 4, "SG." + "SECRET" * 3 + "." + "SECRET" * 7),
                *("pypi-AgEIcHlw" + "SECRET" * 3, "hf_" + "SECRET" * 6),
                *("-----BEGIN%20PRIVATE%20KEY-----%0ASECRET", "-----BEGIN+PRIVATE+KEY-----SECRET"),
                '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "b"\nSECRET',
                '-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: "b"\n\nSECRET',
            )
        ),
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
            "a private key with other letters",
            {"a": "-----BEGIN PRIVATE KEY-----\nA_SECRET!\n", "b": "c"},
            {"a": GONE, "b": "c"},
        ),
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
        *(
            (
                f"a redirect with {mark}, quoted {times} times",
                _nested({"RedirectTo": f"https://x/a%20b{mark}a=SECRET%3Fb", "b": "c"}, times),
                _nested({"RedirectTo": "https://x/a%20b", "b": "c"}, times),
            )
            for mark in ("%3F", "%3f", "%23", "%253F", "?", "#")
            for times in (0, 1)
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
    {"eventCode": "x", "statusCode": "200", "bypass": "yes", "compass": "north", "byPass": "a"},
    {
        "passwordLastUsed": "May 1",
        "keyId": "k",
        "kmsKeyId": "k",
        "encryptionKeyArn": "arn",
        "v": "w",
    },
    {
        "encryptionKey": "arn:aws:kms:us-east-1:1:key/k",
        "encryptionType": "KMS",
        "publicKeys": ["p"],
    },
    {"encryptionKey": {"id": "alias/a", "type": "KMS"}, "x-amz-customer-key-md5": "m"},
    {"environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "c"}},
    {"environment": {"variables": {}, "error": "e"}, "environmentArn": "e", "environments": ["e"]},
    {"environment": {"environmentId": "e-1", "status": "Ready"}, "environmentName": {"a": "b"}},
    {"environment": {"name": "e", "environmentArn": "a", "createdAt": "May 1", "vpcId": "v"}},
    {"environment": "arn:aws:m2:us-east-1:1:env/e", "env": "prod", "variables": "a b"},
    {"name": "a-secret", "meta": _DEEP, "b": {"c": "d"}},
    {"valueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:password-AbCdEf:password:CURRENT:"},
    "arn:aws:lambda:us-east-1:1:function:get-token:PROD",
    "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/password:log-stream:secret:a",
    {
        "image": "1.dkr.ecr.us-east-1.amazonaws.com/auth-token:latest",
        "task": "task-0123456789abcdef01",
    },
    {"password": 12, "token": None, "pin": 1e5, "secret": False, "a": "Bearer tokens are"},
    {"bucketName": "sk-data-archive-of-production-logs", "signatureVersion": "4"},
    [{"name": "PASSWORD_PATH", "value": "/p"}, {"name": "passwordPolicy", "value": "p"}],
    [{"name": "/app/secret/arn", "value": "a"}, {"k": "team", "v": "password"}],
    [{"namespace": "aws:autoscaling:asg", "optionName": "MinSize", "value": "1"}],
    {"allowHeaders": ["Authorization", "Content-Type", "token"], "rows": [["a", "b"], ["c"]]},
    {"x": "<passwordPolicy>strict</passwordPolicy>", "y": "docker run -u 1000:1000 image"},
    {"auth": {"type": "AWS_IAM"}, "a": {"auth": "AWS_IAM"}, "authType": "NONE", "key": "a/b"},
    {"ec2SshKey": "eve", "hostKeys": [{"publicKey": "p"}], "trustedHostKeys": ["p"]},
    {"isPinned": "yes", "shipping": "p", "adminPin": 3, "usePw": True, "pwd_": "", "hotpot": "a"},
    {"a": "https://x/?key=logs/2026/03/a_name_of_an_object.gz", "b": "?key=a_name_of_objects_.csv"},
    {"command": ["docker", "run", "-p", "8080:80"], "a": "docker login r; docker run -p 80:80"},
    {"command": ["mysql", "-p"], "args": ["--password-file", "f"], "b": "&quot;token&quot; is"},
    ["mysql", "-h", "db", "-p", "app"],
    [{"name": "DB_PASSWORD", "isDefault": True, "description": "default"}],
    "1 validation error detected: Value 'eve' at 'userName' failed to satisfy constraint",
    "Value at 'password' failed to satisfy constraint: Member must have length 8",
    "Use --token, --profile or --password, and {password} or ${TOKEN}",
    "invalid password, error: yes, the password is a -> b",
    '<password type="text"></password><a>b</a>',
    {"path": "C:\\secrets\\temp", "a": "a <b> & c, d=e; f"},
    {"RedirectTo": "https://x/a%20b%2Fc", "LoginTo": "https://x/"},
    {"cacheKey": "a", "sortKey": "b", "primaryKey": "id", "secondaryKeys": ["x"], "hashKey": "d"},
    {"grantees": ["x"], "encryptionContext": {"aws:secretsmanager:arn": "arn"}, "s3Key": "k"},
    {"a": "\u00e9t\u00e9 = x", "b": "x \\u0026 y"},
    "ssh-rsa AAAA user@host, https://host:8080/a?b=c@d&e=f",
    "arn:aws:sts::1:assumed-role/Token/eve@example.com",
    "AROAEXAMPLE:eve@example.com",
    "Basic authentication failed",
    "The security token included in the request is invalid",
    "User: arn:aws:iam::1:user/eve is not authorized to perform: secretsmanager:GetSecretValue",
    "User: eve is not authorized to perform x on resource: arn:aws:secretsmanager:a:1:secret:b",
    "aws-cli/2.15.0 md/prompt#off md/command#secretsmanager.get-secret-value cfg/retry-mode#a",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0",
    "\x01\x02",
    "",
    {"accessKey": "AKIAEXAMPLE", "value": "x", "isValueSecret": False},
    {"masterKeyId": "k", "kmsMasterKey": "k", "routing_key": "r", "appKeyId": "a"},
    {"path": "/environment-of", "value": "x", "a": "setx A B; app --value x --type String"},
    "https:\\/\\/host:8080\\/" + "a\\/" * 20 + "b@c",
    '{"a":"https:\\/\\/host:8080\\/' + "a\\/" * 20 + '"}',
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
    ('{"p\\u0061ssword":"SECRET","a":"b"}', f'{{"p\\u0061ssword":"{GONE}","a":"b"}}'),
    ('{"passwor\\u0064": ["SECRET"]}', f'{{"passwor\\u0064": "{GONE}"}}'),
    ('{"\\u0070\\u0061\\u0073\\u0073":"SECRET"}', f'{{"\\u0070\\u0061\\u0073\\u0073":"{GONE}"}}'),
    (
        '{"a":"{\\"tok\\\\u0065n\\":\\"SECRET\\"}"}',
        f'{{"a":"{{\\"tok\\\\u0065n\\":\\"{GONE}\\"}}"}}',
    ),
    ("p\\u0061ssword=SECRET", f"p\\u0061ssword={GONE}"),
    ("password\tSECRET", f"password\t{GONE}"),
    ('<password>a"SECRET</password>', WHOLE),
    ("password=ab,SECRET", f"password={GONE}"),
    ("https://b?password=ab&SECRET&x=1", f"https://b?password={GONE}&x=1"),
    ("password=SECRET, then it fails", f"password={GONE}, then it fails"),
    ('failed: ["--password","SECRET"]', f'failed: ["--password","{GONE}"]'),
    ("failed: ['--password', 'SECRET one']", f"failed: ['--password', '{GONE}']"),
    ("failed: [--password, SECRET, -x]", f"failed: [--password, {GONE}, -x]"),
    ('cut ["--password","SECRET', f'cut ["--password","{GONE}'),
    (
        "1 validation error detected: Value 'SECRET' at 'masterUserPassword' failed to satisfy",
        f"1 validation error detected: Value '{GONE}' at 'masterUserPassword' failed to satisfy",
    ),
    (
        "Value 'eve' at 'userName' failed; Value 'a'SECRET b' at 'a.1.member.password' failed",
        f"Value 'eve' at 'userName' failed; Value '{GONE}' at 'a.1.member.password' failed",
    ),
    ("{name: DB_PASSWORD, value: SECRET} bad", f"{{name: DB_PASSWORD, value: {GONE}}} bad"),
    ("P(Name=DB_TOKEN, Type=a, Value=SECRET)", f"P(Name=DB_TOKEN, Type=a, Value={GONE})"),
    (
        "{'name': 'DB_PASSWORD', 'value': 'SECRET'}",
        f"{{'name': 'DB_PASSWORD', 'value': '{GONE}'}}",
    ),
    (
        '{"roleArn":"r","a":"b","secret":{"b":[{"c":[{"d":["SECRET"]}]}]},"c":"SECRET"}',
        '{"roleArn":"r","a":"b","redacted": true}',
    ),
    ("{&quot;password&quot;:&quot;SECRET&quot;}", WHOLE),
    ('{"name":"DB_PASSWORD","value":"SECRET', WHOLE),
    ('{"roleArn":"r","name":"DB_PASSWORD","value":["SECRET"', '{"roleArn":"r","redacted": true}'),
    (
        '{"n\\u0061me":"DB_PASSWORD","value":"SECRET"}',
        f'{{"n\\u0061me":"{GONE}","value":"{GONE}"}}',
    ),
    (
        '{"name":"DB_P\\u0041SSWORD","value":"SECRET"}',
        f'{{"name":"DB_P\\u0041SSWORD","value":"{GONE}"}}',
    ),
    ('{"a":"https:\\/\\/u:SECRET@h"}', f'{{"a":"https:\\/\\/u:{GONE}@h"}}'),
    ('{"a":"postgres://u:SECRET\\u0040h"}', f'{{"a":"postgres://u:{GONE}\\u0040h"}}'),
    ('{"a":"-----BEGIN RSA PRIVATE KEY-----\\u000aSECRET"}', f'{{"a":"{GONE}"}}'),
    ('{"a":"\\u002d----BEGIN PRIVATE KEY-----\\nSECRET"}', f'{{"a":"{GONE}"}}'),
    ('{"a":"-----BEGIN\\u0020PRIVATE KEY-----\\nSECRET"}', f'{{"a":"{GONE}"}}'),
    ("{'token': u'SECRET'}", f"{{'token': {GONE}'{GONE}'}}"),
    ("{'token': b'SECRET'}", f"{{'token': {GONE}'{GONE}'}}"),
    ('password = """SECRET"""', f'password ={GONE}"""{GONE}"""'),
)
