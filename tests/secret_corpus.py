"""Secrets in the shapes that they have in the field: by their names, by where they stand in a text, and by their own form.

``CANARY`` is what must never be left. Nothing here was issued by anybody: tokens are drawn by chance from a fixed seed.
"""

from __future__ import annotations

import base64
import random
import string
from typing import Any

CANARY = "Canary7Q2wX9pLz"
PLAIN_CANARY = "unterseeboot"  # no digit, no sign: only its name or its place tells
_RANDOM = random.Random(20261201)


def drawn(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    """Characters drawn by chance."""
    return "".join(_RANDOM.choice(letters) for _ in range(length))


_HEX, _UPPER, _LOWER = "0123456789abcdef", string.ascii_uppercase + string.digits, string.ascii_lowercase + string.digits

_NAMES = """
DB_PASS PWD DB_PWD PASSWORD PASSWD APIKEY API_KEY X_API_KEY clientSecret CLIENT_SECRET GITHUB_PAT AZURE_DEVOPS_EXT_PAT passphrase
SSH_PASSPHRASE credential CREDENTIALS signing-key signingKey STORAGE_ACCOUNT_KEY AZURE_STORAGE_KEY accountKey sasl_password
sasl.jaas.config private_key PRIVATE-KEY connection_string ConnectionString AzureWebJobsStorageConnectionString CONN_STR DB_CONNECTION
Passwort KENNWORT contraseña contrasena mot_de_passe MOTDEPASSE heslo hasło senha wachtwoord lösenord salasana passord şifre jelszó
пароль 密码 パスワード 비밀번호 clave_secreta PWD_PROD dbpass DBPASS mysqlpwd rootpw USERPASS secretKeyBase SECRET_KEY_BASE JWT_SECRET
SESSION_SECRET COOKIE_SECRET AWS_SECRET_ACCESS_KEY aws_session_token NPM_TOKEN TWINE_PASSWORD DOCKER_AUTH_CONFIG authToken
BEARER_TOKEN refresh_token id_token sharedAccessKey SharedAccessSignature primaryKey SecondaryKey symmetricKey BLOB_SAS SAS_TOKEN
Ocp-Apim-Subscription-Key x-functions-key FUNCTIONS_KEY master_key ENCRYPTION_KEY HMAC_KEY license_key LICENSEKEY deviceKey
MQTT_PASS mqttPassword REDIS_AUTH requirepass RABBITMQ_DEFAULT_PASS PGPASSWORD MYSQL_ROOT_PASSWORD MYSQL_PWD
ACCEPT_EULA_SA_PASSWORD SA_PASSWORD INFLUXDB_ADMIN_TOKEN GRAFANA_APIKEY OTP TOTP_SECRET WIFI_PSK wpa_psk SNMP_COMMUNITY
PASSWORD_1 password2 OLD_PASSWORD PASSWORD_HASH tls.key.pass keystorePassword TRUSTSTORE_PASS pfxPassword CERT_PASS unlock_code pairingCode
SENTRY_DSN WEBHOOK_SECRET cookie Authorization proxyAuthorization X-Auth-Token auth AUTH_TOKEN oauthToken LDAP_BIND_PW bindpw TEAMS_WEBHOOK
IDENTITY_HEADER PSSWRD парола wagwoord segreto lykilorð MASTERPASS SHARED_SECRET X-Vault-Token CI_JOB_TOKEN
bindCredentials tlsCertificateKeyFilePassword DPS_SYMMETRIC_KEY nuget_apikey WIFI_PASSPHRASE geheimer_schlüssel kodeord adgangskode
"""
NAMES = _NAMES.split()

# Texts that hold {0}, the secret, under names and in places that tell it.
TEXTS = {
    "url": [
        "redis://:{0}@cache:6379/0", "rediss://default:{0}@cache:6380", "amqp://guest:{0}@broker:5672/vhost", "amqps://u:{0}@broker/",
        "postgresql://app:{0}@db:5432/prod?sslmode=require", "postgres+psycopg2://app:{0}@db/prod", "mysql://root:{0}@db/x",
        "mongodb+srv://u:{0}@cluster0.mongodb.net/db?retryWrites=true", "mongodb://u:{0}@h1:27017,h2:27017/?replicaSet=a",
        "mqtt://dev:{0}@broker.local:1883", "mqtts://dev:{0}@broker", "nats://u:{0}@nats:4222", "https://u:{0}@host/path?x=1", "ftp://u:{0}@files/",
        "sftp://u:{0}@files:22/", "smb://DOMAIN;u:{0}@nas/share", "rtsp://admin:{0}@10.0.0.7:554/stream1", "ldap://cn=admin:{0}@ldap/",
        "socks5://u:{0}@proxy:1080", "s3://AKID:{0}@bucket/key", "clickhouse://u:{0}@ch:9000/db", "couchbase://u:{0}@cb", "kafka://u:{0}@k:9092",
        "influxdb://u:{0}@ts:8086/db", "git+https://u:{0}@git.example/r.git", "ssh://u:{0}@h:22", "http_proxy=http://u:{0}@proxy:3128",
        "jdbc:mysql://u:{0}@db:3306/x", "jdbc:postgresql://db/x?user=u&password={0}", "jdbc:oracle:thin:scott/{0}@//db:1521/x",
        "jdbc:sqlserver://db:1433;databaseName=x;user=sa;password={0};encrypt=true", "u:{0}@tcp(db:3306)/prod", "root:{0}@db:3306",
        "redis://:p/{0}@cache:6379", "https://h/api?pwd={0}", "https://h/api?code={0}&name=x", "https://h/f?a=1&code={0}",
        "https://h/f?sig={0}&se=2026", "https://a.blob.core.windows.net/c?sv=2022&sr=c&sig={0}%3D", "https://h/?access_token={0}#x",
        "https://h/#access_token={0}&type=x", "https://h/?X-Amz-Signature={0}", "https://h/?key={0}", "wss://h/s?token={0}&x=1",
        "https://h/?subscription-key={0}", "https://h/r?next=https%3A%2F%2Fu%3A{0}%40host%2F", "https://h/?q=password%3D{0}",
    ],
    "connection": [
        "Server=db;Uid=sa;Pwd={0};Database=x", "Server=db;User ID=sa;Password={0}", "Data Source=db;PWD={0}", "DSN=plant;UID=sa;PWD={0};",
        "Driver={{ODBC Driver 18}};Server=db;Uid=sa;Pwd={{{0};x}};", 'Server=db;Password="{0};y";Encrypt=yes', "Server=db;Password='{0}'",
        "HostName=h.azure-devices.net;DeviceId=d;SharedAccessKey={0}=", "Endpoint=sb://n/;SharedAccessKeyName=p;SharedAccessKey={0};EntityPath=e",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={0}==;EndpointSuffix=core.windows.net",
        "BlobEndpoint=https://a.blob/;SharedAccessSignature=sv=2022&sig={0}", "SharedAccessSignature sr=h&sig={0}&se=1&skn=p",
        "AccountEndpoint=https://c/;AccountKey={0};", "InstrumentationKey={0};IngestionEndpoint=https://x/", "cache:6380,password={0},ssl=True",
        "host=db port=5432 user=u password={0} dbname=x", "server=h;user=u;passwd={0}", "Provider=x;Jet OLEDB:Database Password={0};",
        "user id=u; password = {0}; server=h", "Endpoint=https://c;AccessKey={0};Version=1.0", "LIBPQ dbname=x password='{0} z'",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"{0}\";",
        "Server=db;Pwd=my {0} words;Database=x",
    ],
    "command": [
        "run --token={0} --x", "run --password {0}", "run --api-key '{0}'", "run --client-secret \"{0}\" -v", "mysql -uroot -p{0} -h db",
        "mysql -u root -p {0}", "mysqldump --password={0} db", "sshpass -p {0} ssh u@h", "curl -u u:{0} https://h", "curl --user u:{0} h",
        "curl -H 'Authorization: Bearer {0}' h", "curl -H \"X-Api-Key: {0}\" h", "curl --header 'Cookie: sid={0}' h", "wget --http-password={0} h",
        "docker login -u u -p {0} acr.azurecr.io", "echo {0} | docker login -u u --password-stdin acr", "echo 'root:{0}' | chpasswd",
        "mosquitto_sub -h b -u u -P {0} -t x", "redis-cli -a {0} ping", "redis-server --requirepass {0}", "sqlcmd -S db -U sa -P {0}",
        "ldapsearch -D cn=a -w {0}", "smbclient //n/s -U u%{0}", "7z x -p{0} a.7z", "unzip -P {0} a.zip", "openssl rsa -passin pass:{0}",
        "htpasswd -bc f u {0}", "export TOKEN={0}; run", "DB_PASSWORD={0} run --x", "java -Dspring.datasource.password={0} -jar a.jar",
        "az storage blob list --account-key {0}", "az login --service-principal -u id -p {0}",
        "kubectl create secret generic s --from-literal=a={0}",
        "aws configure set aws_secret_access_key {0}", "git clone https://oauth2:{0}@git.example/r", "net use /password:{0}", "run /token:{0}",
        "sh -c \"export PW='{0}' && run\"", "set PASSWORD={0}", "$env:API_KEY = '{0}'", "setx GITHUB_PAT {0}1", "sqlplus scott/{0}@db",
        "ssh-keygen -t rsa -N {0} -f k", "nmcli dev wifi connect x password {0}1", "nmcli c m x wifi-sec.psk {0}", "curl --oauth2-bearer {0} h",
        "keytool -storepass {0} -keypass {0}", "signtool sign /p {0} x.exe", "curl -d 'grant_type=password&client_secret={0}' h",
        "curl -d '{{\"password\":\"{0}\"}}' h",
        "docker build --build-arg TOKEN={0} .", "docker run -e DB_PASS={0} i", "helm install --set auth.password={0} x", "set \"PASSWORD={0}\"",
        "mysqladmin password {0}", "gpg --passphrase {0} -d f", "ansible -e ansible_password={0}", "psql \"host=db password={0}\"",
        "mongo -u u -p {0} db",
    ],
    "script": [
        "<Password>{0}", "<set name='password'>{0}</set>", "//u:{0}@h/x", "authorization=Bearer {0}", "PGPASSWORD='{0}' psql",
        "sshpass -p'{0}' ssh h",
        "rpcpassword={0}", "http.extraHeader=AUTHORIZATION: basic {0}", "remote_password {0}", "(user=u, password={0})", "pass={0},host=h",
        "{{password: {0}, x: 1}}",
        "password: !!str {0}", "- password: {0}", "https://h/x?a[password]={0}", "https://h/x;token={0}", "token=\"{0}", "a\r\nTOKEN={0}\r\nb=1",
        "curl -u a:{0} http://x || exit 1", "proxy_set_header Authorization \"Basic {0}\";", "AccountName=a,AccountKey={0}",
        "SharedSecretIssuer=o;SharedSecretValue={0}",
    ],
    "file": [
        "machine h login u password {0}", "machine h\nlogin u\npassword {0}\n", "db:5432:prod:app:{0}", "*:*:*:app:{0}", "password: {0}",
        "db:\n  user: u\n  password: {0}\n",
        "secrets:\n  - {0}\n", "token: >-\n  {0}\nname: x\n", "api_key = {0}", "[db]\nuser=u\npassword = {0}\n",
        "export A=1\nexport DB_PASS={0}\nB=2",
        "<add key=\"Password\" value=\"{0}\"/>", "<password>{0}</password>", "<c password='{0}'/>", "{{\"password\": \"{0}\"}}",
        "{{'password': '{0}'}}",
        "{{\\\"password\\\":\\\"{0}\\\"}}", "{{\"a\": {{\"clientSecret\": \"{0}\"}}, ", "\"env\": {{\"TOKEN\": \"{0}\"", "{{api_key: {0}}}",
        "Authorization: Basic {0}",
        "Authorization: Token {0}", "X-Auth-Token: {0}", "Set-Cookie: sid={0}; Path=/", "requirepass {0}", "masterauth {0}",
        "//reg/:_authToken={0}",
        "define('DB_PASSWORD', '{0}');", "os.environ[\"TOKEN\"] = \"{0}\"", "CREATE USER u IDENTIFIED BY {0};",
        "SET PASSWORD FOR u = PASSWORD('{0}')",
        "CREATE LOGIN x WITH PASSWORD = '{0}'", "[client]\npassword={0}\n", "token = \"{0}\"", "password:'{0}'", "_password={0}",
        "otpauth://totp/x?secret={0}",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7Bx%7D%3BPWD%3D{0}%3B", "(DESCRIPTION=(ADDRESS=x)(PASSWORD={0}))",
        "jdbc:db2://h:50000/DB:user=u;password={0};",
        "CREATE USER u IDENTIFIED BY '{0}'", "ALTER ROLE u WITH PASSWORD '{0}'", "Passwort: {0}", "mot de passe : {0}", "contraseña={0}",
        "network={{\n ssid=\"x\"\n psk=\"{0}\"\n}}", "password => {0}", "{{\"auths\":{{\"acr\":{{\"auth\":\"{0}\"}}}}}}", "connection string = {0}",
    ],
}  # fmt: skip

_KEY_TEXT = base64.b64encode(bytes(_RANDOM.randrange(256) for _ in range(32))).decode()
_STORAGE_KEY = base64.b64encode(bytes(_RANDOM.randrange(256) for _ in range(64))).decode()
_BODY = "\n".join(base64.b64encode(bytes(_RANDOM.randrange(256) for _ in range(48))).decode() for _ in range(4))

# Secrets that their own form tells, wherever they stand: kind, whole text, and the part that must not be left.
FORMS: dict[str, str] = {
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{drawn(43)}",
    "github": f"ghp_{drawn(36)}", "github fine": f"github_pat_{drawn(22)}_{drawn(59)}", "github app": f"ghs_{drawn(36)}",
    "gitlab": f"glpat-{drawn(20)}", "gitlab runner": f"glrt-{drawn(20)}", "slack": f"xoxb-{drawn(12, string.digits)}-{drawn(24)}",
    "slack hook": f"https://hooks.slack.com/services/T{drawn(8, _UPPER)}/B{drawn(8, _UPPER)}/{drawn(24)}",
    "aws": f"AKIA{drawn(16, _UPPER)}", "aws secret": f"{drawn(20)}/{drawn(19)}", "google": f"AIza{drawn(35)}",
    "google oauth": f"GOCSPX-{drawn(28)}",
    "stripe": f"sk_live_{drawn(24)}", "npm": f"npm_{drawn(36)}", "pypi": f"pypi-AgEIcHlwaS5vcmc{drawn(60)}", "docker": f"dckr_pat_{drawn(27)}",
    "azure ad": f"{drawn(3)}8Q~{drawn(34)}", "acr": f"{drawn(42)}+ACR{drawn(6)}", "iot key": _KEY_TEXT, "storage key": _STORAGE_KEY,
    "devops": drawn(52, "abcdefghijklmnopqrstuvwxyz234567"), "function key": f"{drawn(44)}AzFu{drawn(6)}==", "openai": f"sk-proj-{drawn(40)}",
    "hugging face": f"hf_{drawn(34)}", "databricks": f"dapi{drawn(32, _HEX)}", "sendgrid": f"SG.{drawn(22)}.{drawn(43)}",
    "telegram": f"{drawn(10, '123456789')}:AA{drawn(33)}", "discord": f"https://discord.com/api/webhooks/{drawn(18, string.digits)}/{drawn(68)}",
    "vault": f"hvs.{drawn(24)}", "digital ocean": f"dop_v1_{drawn(64, _HEX)}", "shopify": f"shpat_{drawn(32, _HEX)}",
    "grafana": f"glsa_{drawn(32)}_{drawn(8, _HEX)}",
    "atlassian": f"ATATT3xFf{drawn(40)}", "age": f"AGE-SECRET-KEY-1{drawn(58, _UPPER)}", "tailscale": f"tskey-auth-{drawn(12)}-{drawn(32)}",
    "new relic": f"NRAK-{drawn(27, _UPPER)}", "random 32": drawn(32), "random 24": drawn(24), "random 64": drawn(64), "base64url": drawn(43) + "=",
    "generated": "S3cr3t!Pa$w0rd#24", "generated too": "Xk9#mQ2$vL7!", "bcrypt": f"$2y$10${drawn(53)}",
    "apr1": f"admin:$apr1${drawn(8)}${drawn(22)}",
    "sha512crypt": f"$6${drawn(8)}${drawn(86)}", "ssha": f"{{SSHA}}{drawn(32)}", "scram": f"SCRAM-SHA-256$4096:{drawn(22)}==${drawn(43)}=",
    "basic": base64.b64encode(f"admin:{CANARY}".encode()).decode(), "docker auth": base64.b64encode(f"acr:{CANARY}".encode()).decode(),
    "base64 json": base64.b64encode(f'{{"password": "{CANARY}"}}'.encode()).decode(),
    "base64 pem": base64.b64encode(f"-----BEGIN PRIVATE KEY-----\n{_BODY}\n-----END PRIVATE KEY-----".encode()).decode(),
    "pem": f"-----BEGIN RSA PRIVATE KEY-----\n{_BODY}\n-----END RSA PRIVATE KEY-----\n",
    "pem in one line": f"-----BEGIN EC PRIVATE KEY-----\\n{_BODY.replace(chr(10), chr(92) + 'n')}\\n-----END EC PRIVATE KEY-----",
    "pem cut": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_BODY[:100]}", "putty": f"PuTTY-User-Key-File-2: ssh-rsa\n{_BODY}",
}  # fmt: skip


def parts_of(secret: str) -> list[str]:
    """The parts of a form of which none may be left: its longest words."""
    words = [word for line in secret.replace("\\n", "\n").split("\n") for word in line.replace("/", " ").split() if len(word) > 7]
    return [
        word
        for word in words
        if not word.startswith(("-----", "https:", "hooks.", "services", "discord", "webhooks", "PRIVATE", "PuTTY"))
    ]


# Objects: {0} is the secret wherever a text is "{0}".
OBJECTS: list[Any] = [
    {"password": "{0}"}, {"credentials": {"user": "u",
    "value": "{0}"}}, {"secrets": {"db": "{0}"}}, {"tokens": ["{0}"]}, {"keys": [{"value": "{0}"}]},
    [{"name": "DB_PASSWORD", "value": "{0}"}], [{"key": "apiKey", "value": "{0}"}], {"auth": {"username": "u", "password": "{0}"}},
    {"auths": {"acr.azurecr.io": {"auth": "{0}"}}}, {"kty": "RSA", "n": "x", "e": "AQAB", "d": "{0}"}, ["--password", "{0}"], ["--token={0}"],
    ["-p", "{0}", "-u", "root"], ["mysql", "-p{0}"], ["mysql", "-u", "root", "-p", "{0}"], ["-H", "Authorization: Bearer {0}"], ["curl", "-u",
    "u:{0}"],
    ["Authorization", "Bearer {0}"], ["X-Api-Key", "{0}"], ["sh", "-c", "mysql -p{0} x"], ["CONFIG", "SET", "requirepass", "{0}"],
    ["DB_PASSWORD=a b;{0}"], ["PASSWORD={0};x=y"], {"headers": {"X-Api-Key": "{0}"}}, {"storage": {"accountKey": "{0}"}}, {"a": [[["--api-key",
    "{0}"]]]},
    {"json": '{{"password":"{0}"}}'}, {"json": '{{"a":"{{\\"token\\":\\"{0}\\"}}"}}'}, {"torn": '{{"a": 1, "b": "{0}'}, {"torn": '[{{"x":"{0}"}}'},
    ["nmcli", "c", "m", "wifi-sec.psk", "{0}"], ["vault", "login", "token", "{0}"], ["docker", "run", "-e", "PW={0}"], ["--user", "admin:{0}"],
    ["--build-arg", "TOKEN={0}"], ["--config", '{{"password":"{0}"}}'], {"kind": "Secret", "stringData": {"x": "{0}"}}, {"kind": "Secret",
    "data": {"x": "{0}"}},
    {"pin": "{0}"}, {"Passwort": {"neu": "{0}", "alt": "{0}"}},
]  # fmt: skip


def filled(node: Any, secret: str) -> Any:
    """``node`` with the secret in its places."""
    if isinstance(node, dict):
        return {key: filled(value, secret) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(value, secret) for value in node]
    return node.format(secret) if isinstance(node, str) and "{0}" in node else node
