"""Hashes as older systems make them: by those systems' libraries, or by their published recipe where Python has none."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import bcrypt
import passlib.hash
from argon2.low_level import Type, hash_secret_raw
from werkzeug.security import generate_password_hash

PASSLIB: Any = passlib.hash  # its type stubs lack what it loads by name
SALT = b"suolaasuolaasuol"


def django_scrypt(text: str) -> str:
    """What Django's ScryptPasswordHasher stores; its digest is taken from Werkzeug's of the same costs."""
    method, salt, digest = generate_password_hash(text, "scrypt:1024:8:5").split("$")
    _, n, r, p = method.split(":")
    return f"scrypt${n}${salt}${r}${p}${base64.b64encode(bytes.fromhex(digest)).decode()}"


def by_passlib(name: str, prefix: str = "", **costs: Any) -> Callable[[str], str]:
    """What passlib's handler *name* makes at low costs, with *prefix* before it."""

    def make(text: str) -> str:
        return prefix + str(getattr(PASSLIB, name).using(**costs).hash(text))

    return make


def by_bcrypt(prefix: str, ident: str = "2b") -> Callable[[str], str]:
    """What bcrypt makes, with *prefix* before it."""

    def make(text: str) -> str:
        return prefix + bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", f"${ident}$")

    return make


def wordpress(text: str) -> str:
    """What wp_hash_password() of WordPress 6.8 makes."""
    digest = hmac.new(b"wp-sha384", text.encode().strip(b" \t\n\r\v\0"), "sha384").digest()
    return "$wp" + bcrypt.hashpw(base64.b64encode(digest), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _encode64(data: bytes) -> str:
    """The loop of phpass's encode64(), as its author wrote it."""
    made, at = "", 0
    while at < len(data):
        value = data[at]
        at += 1
        made += _ITOA64[value & 0x3F]
        if at < len(data):
            value |= data[at] << 8
        made += _ITOA64[(value >> 6) & 0x3F]
        if at >= len(data):
            break
        at += 1
        if at < len(data):
            value |= data[at] << 16
        made += _ITOA64[(value >> 12) & 0x3F]
        if at >= len(data):
            break
        at += 1
        made += _ITOA64[(value >> 18) & 0x3F]
    return made


def drupal(tag: str, algorithm: str, *, updated: bool) -> Callable[[str], str]:
    """What Drupal's _password_crypt() makes of a password, or of its MD5 from an older Drupal."""

    def make(text: str) -> str:
        entered = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().encode() if updated else text.encode()
        digest = hashlib.new(algorithm, b"aBcDeFgH" + entered).digest()
        for _ in range(1 << 7):
            digest = hashlib.new(algorithm, digest + entered).digest()
        return (f"{tag}5aBcDeFgH" + _encode64(digest))[: len(tag) + 9 + (43 if algorithm == "sha512" else 22)]

    return make


def ldap(scheme: str, algorithm: str, salt: bytes) -> Callable[[str], str]:
    """What an LDAP server stores."""
    return lambda text: (
        f"{{{scheme}}}" + base64.b64encode(hashlib.new(algorithm, text.encode() + salt).digest() + salt).decode()
    )


def aspnet_v2(text: str) -> str:
    """What ASP.NET Identity 2 stores."""
    return base64.b64encode(b"\0" + SALT + hashlib.pbkdf2_hmac("sha1", text.encode(), SALT, 1000, 32)).decode()


def aspnet_v3(algorithm: str, number: int) -> Callable[[str], str]:
    """What ASP.NET Core Identity stores, with *number* for *algorithm*."""
    header = b"\1" + number.to_bytes(4, "big") + (10).to_bytes(4, "big") + len(SALT).to_bytes(4, "big")
    return lambda text: base64.b64encode(
        header + SALT + hashlib.pbkdf2_hmac(algorithm, text.encode(), SALT, 10, 32)
    ).decode()


def keycloak(algorithm: str, name: str, size: int) -> Callable[[str], str]:
    """What Keycloak exports as a credential."""

    def make(text: str) -> str:
        digest = hashlib.pbkdf2_hmac(algorithm, text.encode(), SALT, 10, size)
        secret = {"value": base64.b64encode(digest).decode(), "salt": base64.b64encode(SALT).decode()}
        data = {"hashIterations": 10, "algorithm": name, "additionalParameters": {}}
        return json.dumps(
            {
                "type": "password",
                "credentialData": json.dumps(data),
                "secretData": json.dumps({**secret, "additionalParameters": {}}),
            }
        )

    return make


def keycloak_argon2(text: str) -> str:
    """What Keycloak 25 exports as a credential."""
    digest = hash_secret_raw(text.encode(), SALT, 1, 64, 1, 32, Type.ID)
    more = {"hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    data = {"hashIterations": 1, "algorithm": "argon2", "additionalParameters": more}
    secret = {"value": base64.b64encode(digest).decode(), "salt": base64.b64encode(SALT).decode()}
    return json.dumps({"credentialData": json.dumps(data), "secretData": json.dumps(secret)})


def spring_pbkdf2(tag: str, algorithm: str, iterations: int, salt: bytes) -> Callable[[str], str]:
    """What Spring Security's Pbkdf2PasswordEncoder stores."""
    return lambda text: tag + (salt + hashlib.pbkdf2_hmac(algorithm, text.encode(), salt, iterations, 32)).hex()


def mssql_2012(text: str) -> str:
    """What SQL Server 2012 stores."""
    return "0x0200" + (SALT[:4] + hashlib.sha512(text.encode("utf-16-le") + SALT[:4]).digest()).hex().upper()


def spring_scrypt(tag: str, salt: bytes) -> Callable[[str], str]:
    """What Spring Security's SCryptPasswordEncoder stores, at lower costs: N is 16, r is 8 and p is 1."""

    def make(text: str) -> str:
        digest = hashlib.scrypt(text.encode(), salt=salt, n=16, r=8, p=1, dklen=32)
        return f"{tag}${4 << 16 | 8 << 8 | 1:x}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"

    return make


def spring_sha256(text: str) -> str:
    """What Spring Security's StandardPasswordEncoder stores, with its scheme."""
    value = SALT[:8] + text.encode()
    for _ in range(1024):
        value = hashlib.sha256(value).digest()
    return "{sha256}" + (SALT[:8] + value).hex()


def postgres_scram(text: str) -> str:
    """What PostgreSQL stores; passlib prepares and salts the password."""
    salted = PASSLIB.scram.derive_digest(text, SALT, 10, "sha-256")
    keys = (hmac.new(salted, word, "sha256").digest() for word in (b"Client Key", b"Server Key"))
    client, server = keys
    stored = [base64.b64encode(one).decode() for one in (SALT, hashlib.sha256(client).digest(), server)]
    return "SCRAM-SHA-256$10:{}${}:{}".format(*stored)


def werkzeug(algorithm: str) -> Callable[[str], str]:
    """What generate_password_hash() of Werkzeug before 2.3 stores, marked as an import marks it."""
    return lambda text: f"{{werkzeug}}{algorithm}$suola${hmac.new(b'suola', text.encode(), algorithm).hexdigest()}"


CHEAP_ARGON2: dict[str, Any] = {"rounds": 1, "memory_cost": 64, "parallelism": 1}

MAKERS: dict[str, Callable[[str], str]] = {
    "bcrypt": by_bcrypt(""),
    "bcrypt 2a": by_bcrypt("", "2a"),
    "bcrypt 2y": by_bcrypt("", "2y"),
    "django_argon2": by_passlib("django_argon2", **CHEAP_ARGON2),
    "spring_argon2": by_passlib("argon2", "{argon2}", **CHEAP_ARGON2),
    "nextcloud_argon2i": by_passlib("argon2", "2|", type="I", **CHEAP_ARGON2),
    "nextcloud_argon2id": by_passlib("argon2", "3|", **CHEAP_ARGON2),
    "django_bcrypt": by_bcrypt("bcrypt$"),
    "spring_bcrypt": by_bcrypt("{bcrypt}", "2a"),
    "ldap_bcrypt": by_bcrypt("{CRYPT}"),
    "nextcloud_bcrypt": by_bcrypt("1|", "2y"),
    "django_bcrypt_sha256": by_passlib("django_bcrypt_sha256", rounds=4),
    "wordpress_bcrypt": wordpress,
    "django_pbkdf2 sha1": by_passlib("django_pbkdf2_sha1", rounds=10),
    "django_pbkdf2 sha256": by_passlib("django_pbkdf2_sha256", rounds=10),
    "django_scrypt": django_scrypt,
    "django_md5": by_passlib("django_salted_md5"),
    "django_sha1": by_passlib("django_salted_sha1"),
    "werkzeug_pbkdf2 sha1": lambda text: generate_password_hash(text, "pbkdf2:sha1:10"),
    "werkzeug_pbkdf2 sha256": lambda text: generate_password_hash(text, "pbkdf2:sha256:10"),
    "werkzeug_pbkdf2 sha224": lambda text: generate_password_hash(text, "pbkdf2:sha224:10"),
    "werkzeug_pbkdf2 sha384": lambda text: generate_password_hash(text, "pbkdf2:sha384:10"),
    "werkzeug_pbkdf2 sha512": lambda text: generate_password_hash(text, "pbkdf2:sha512:10"),
    "werkzeug_scrypt": lambda text: generate_password_hash(text, "scrypt:1024:8:1"),
    "passlib_pbkdf2 sha1": by_passlib("pbkdf2_sha1", rounds=10),
    "passlib_pbkdf2 sha256": by_passlib("pbkdf2_sha256", rounds=10),
    "passlib_pbkdf2 sha512": by_passlib("pbkdf2_sha512", rounds=10),
    "phpass": by_passlib("phpass", rounds=7),
    "phpass_phpbb": by_passlib("phpass", rounds=7, ident="H"),
    "drupal": drupal("$S$", "sha512", updated=False),
    "drupal_updated": drupal("U$S$", "sha512", updated=True),
    "drupal_updated_phpass": drupal("U$P$", "md5", updated=True),
    "md5_crypt": by_passlib("md5_crypt"),
    "ldap_md5_crypt": by_passlib("ldap_md5_crypt"),
    "apr_md5_crypt": by_passlib("apr_md5_crypt"),
    "ldap_apr_md5_crypt": by_passlib("apr_md5_crypt", "{CRYPT}"),
    "sha256_crypt": by_passlib("sha256_crypt", rounds=1000),
    "sha256_crypt 5000": by_passlib("sha256_crypt", rounds=5000),
    "ldap_sha256_crypt": by_passlib("ldap_sha256_crypt", rounds=1000),
    "sha512_crypt": by_passlib("sha512_crypt", rounds=1000),
    "ldap_sha512_crypt": by_passlib("ldap_sha512_crypt", rounds=1000),
    "ldap_des_crypt": by_passlib("ldap_des_crypt"),
    "django_des_crypt": by_passlib("des_crypt", "crypt$$"),
    "ldap_md5": by_passlib("ldap_md5"),
    "ldap_sha": by_passlib("ldap_sha1"),
    "ldap_sha256": ldap("SHA256", "sha256", b""),
    "ldap_sha384": ldap("SHA384", "sha384", b""),
    "ldap_sha512": ldap("SHA512", "sha512", b""),
    "ldap_smd5": by_passlib("ldap_salted_md5"),
    "ldap_ssha": by_passlib("ldap_salted_sha1"),
    "ldap_ssha256": by_passlib("ldap_salted_sha256"),
    "ldap_ssha384": ldap("SSHA384", "sha384", SALT),
    "ldap_ssha512": by_passlib("ldap_salted_sha512"),
    "atlassian": by_passlib("atlassian_pbkdf2_sha1"),
    "spring_pbkdf2": spring_pbkdf2("{pbkdf2}", "sha1", 185_000, SALT[:8]),
    "spring_pbkdf2_5_8": spring_pbkdf2("{pbkdf2@SpringSecurity_v5_8}", "sha256", 310_000, SALT),
    "keycloak sha1": keycloak("sha1", "pbkdf2", 64),
    "keycloak sha256": keycloak("sha256", "pbkdf2-sha256", 64),
    "keycloak sha512": keycloak("sha512", "pbkdf2-sha512", 64),
    "keycloak_argon2": keycloak_argon2,
    "aspnet_v2": aspnet_v2,
    "aspnet_v3 sha1": aspnet_v3("sha1", 0),
    "aspnet_v3 sha256": aspnet_v3("sha256", 1),
    "aspnet_v3 sha512": aspnet_v3("sha512", 2),
    "mssql_2005": by_passlib("mssql2005"),
    "mssql_2005 2000": by_passlib("mssql2000"),
    "mssql_2012": mssql_2012,
    "mysql": by_passlib("mysql41"),
    "nt": by_passlib("bsd_nthash"),
    "spring_argon2_5_8": by_passlib("argon2", "{argon2@SpringSecurity_v5_8}", **CHEAP_ARGON2),
    "passlib_bcrypt_sha256": by_passlib("bcrypt_sha256", rounds=4),
    "passlib_bcrypt_sha256_v1": by_passlib("bcrypt_sha256", rounds=4, version=1),
    "passlib_scrypt": by_passlib("scrypt", rounds=4),
    "spring_scrypt": spring_scrypt("{scrypt}", SALT * 4),
    "spring_scrypt_5_8": spring_scrypt("{scrypt@SpringSecurity_v5_8}", SALT),
    "spring_sha256": spring_sha256,
    "ldap_pbkdf2 sha1": by_passlib("ldap_pbkdf2_sha1", rounds=10),
    "ldap_pbkdf2 sha256": by_passlib("ldap_pbkdf2_sha256", rounds=10),
    "ldap_pbkdf2 sha512": by_passlib("ldap_pbkdf2_sha512", rounds=10),
    "scram_sha256": postgres_scram,
    "werkzeug_hmac md5": werkzeug("md5"),
    "werkzeug_hmac sha1": werkzeug("sha1"),
    "werkzeug_hmac sha256": werkzeug("sha256"),
    "werkzeug_hmac sha512": werkzeug("sha512"),
}
"""By the name of the format that cityauth gives it, and a word for each variant."""


def _passlib_bytes(name: str, prefix: str = "", **costs: Any) -> Callable[[bytes], str]:
    return lambda password: prefix + str(getattr(PASSLIB, name).using(**costs).hash(password))


BYTE_MAKERS: dict[str, Callable[[bytes], str]] = {
    "bcrypt": lambda password: bcrypt.hashpw(password, bcrypt.gensalt(4)).decode(),
    "argon2": _passlib_bytes("argon2", rounds=1, memory_cost=32, parallelism=1),
    "django_pbkdf2": _passlib_bytes("django_pbkdf2_sha256", rounds=10),
    "md5_crypt": _passlib_bytes("md5_crypt"),
    "sha512_crypt": _passlib_bytes("sha512_crypt", rounds=1000),
    "phpass": _passlib_bytes("phpass", rounds=7),
    "ldap_sha": _passlib_bytes("ldap_sha1"),
    "ldap_ssha": _passlib_bytes("ldap_salted_sha1"),
    "django_md5": _passlib_bytes("django_salted_md5"),
    "mysql": _passlib_bytes("mysql41"),
}
"""Some of the same, for passwords in any encoding."""
