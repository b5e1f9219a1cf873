"""Stored hashes for tests: one sample of each built-in format, and a password as it is typed."""

from cityauth.core.passwords import Password, read
from cityauth.policy import PasswordPolicy

SALT22, DIGEST31, DIGEST43 = "bG1jc3lsNGlrdjNoeTZiNA", "A" * 30 + ".", "A" * 43
PADDED32, PADDED64 = "A" * 43 + "=", "A" * 86 + "=="

SAMPLES = {
    "argon2": f"$argon2id$v=19$m=65536,t=3,p=4${SALT22}${DIGEST43}",
    "bcrypt": f"$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_argon2": f"argon2$argon2id$v=19$m=102400,t=2,p=8${SALT22}${DIGEST43}",
    "django_bcrypt": f"bcrypt$$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_bcrypt_sha256": f"bcrypt_sha256$$2b$12$N93W0OiK6aEeGxVb4TNZLe{DIGEST31}",
    "django_pbkdf2": f"pbkdf2_sha256$870000$uAY5cO1bXltK${PADDED32}",
    "django_scrypt": f"scrypt$16384$uAY5cO1bXltK$8$5${PADDED64}",
    "werkzeug_pbkdf2": f"pbkdf2:sha512:210000$B8L9Tsk6FZv9dWH8${'0f' * 64}",
    "werkzeug_scrypt": f"scrypt:32768:8:1$B8L9Tsk6FZv9dWH8${'0f' * 64}",
}
"""A hash of each built-in format, by the format's name. Nobody knows their passwords."""


def password(text: str) -> Password:
    """Read *text*, which is a password."""
    found = read(text, PasswordPolicy())
    assert isinstance(found, Password)
    return found
