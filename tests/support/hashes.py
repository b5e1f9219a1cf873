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
    "spring_argon2": (
        "{argon2}$argon2id$v=19$m=64,t=1,p=1$wTgnBADgfC8lpBTi/B8jRA$lHSzkxzRSC0JRIoPSAO1BljKalmsiWXlHFISK9NUIkY"
    ),
    "nextcloud_argon2i": (
        "2|$argon2i$v=19$m=64,t=1,p=1$WuudM8Y4ZwzhHENIidG6Vw$RwpMTVMkqNKKbWHcbOa4TRKNMcczJgT8zYx8g12xFNk"
    ),
    "nextcloud_argon2id": (
        "3|$argon2id$v=19$m=64,t=1,p=1$+z+HMEboPadUCoFwDoGwlg$EG2tosi2c0goLwoLpJmLTG6OFyqRRcwTDKr7w1Vgo6M"
    ),
    "spring_bcrypt": "{bcrypt}$2a$04$oQIipQmZFVvgr9T82vY7XOuReyn1QrFeG3gh6z3cJ1TpXC.ncg5ki",
    "ldap_bcrypt": "{CRYPT}$2b$04$VSrIyRTRdbJYIwncGoz/4OGp2q7wQFck3QEyj92tvCoKSCouIqcnW",
    "nextcloud_bcrypt": "1|$2y$04$3AQEr7FblCdMUMIZUXg5t.Qq.AoclYwKWVFHDjGk3yWIJ/uIPpfze",
    "wordpress_bcrypt": "$wp$2y$04$5Qd4EhmwYoB8iX.A5ubb1ug/3ItMDMZpPmW1MQF.2zxSJdRqcJXGu",
    "django_md5": "md5$pauLggUJ9HL7$7aa121b7f0ccdea4698bd53542e47f92",
    "django_sha1": "sha1$fl2MNoErIHoV$ba31f416f7911e0e0a3584ee20d1f556ae764a64",
    "passlib_pbkdf2": "$pbkdf2-sha1$10$OkdIKSUE4Nwb41zL2bvXeg$cA26iOAq5SXBEZcwWXlNUE..ncE",
    "phpass": "$P$5AMo0rKpwaDDfISe3/r6RWj7s/cd4H.",
    "phpass_phpbb": "$H$55OUaTB3I9Q4.RBX293LEKnLqlzRP2.",
    "drupal": "$S$5aBcDeFgHXfHuwl3Halfd7D5FmkCJgOsLttfMTPhCOi0V7XqDp98",
    "drupal_updated": "U$S$5aBcDeFgHtFSIkFYgmaCVYmjnUbeeRn3ve4fz6P97OYUvVOhtIk2",
    "drupal_updated_phpass": "U$P$5aBcDeFgHsNnJl9aV2k1ZllM.3uRpO/",
    "md5_crypt": "$1$rp4ByA3o$vKZcOuuAc21ZwaTW6K30d1",
    "ldap_md5_crypt": "{CRYPT}$1$eQbznd/w$vfDuHFFEUtsM6K0agdBUE0",
    "apr_md5_crypt": "$apr1$zpGoqJdd$/NVF0p63oYo4tKZPnLr3N.",
    "ldap_apr_md5_crypt": "{CRYPT}$apr1$FeMOCkHi$Kii7KyLdWh1IfbL37xhyE/",
    "sha256_crypt": "$5$rounds=1000$5/1YhNTRHgzadB2y$IDN4khinY1iQRUFwOayKtRmOCWbZ1xmM.wLd95QAp98",
    "ldap_sha256_crypt": "{CRYPT}$5$rounds=1000$HXzKwj25Na1MCNae$0kDn3AHPpxDnlYntcVqCt04sqtwmKAQh0QUWuQleTl7",
    "sha512_crypt": (
        "$6$rounds=1000$pu7AR0JGUI0u8sjF$A1G5vd.Us9Xm5kAOnO4TEkKNwFS"
        "H173WG3a6MKXXtx6xa1EhKc4W6TUcFkaFxr4OR0fIifEGHYFRR.pL0RNLa."
    ),
    "ldap_sha512_crypt": (
        "{CRYPT}$6$rounds=1000$/.PONPpz747Yyz/T$eHnl3nCkmf/DJiG.gYTNh71"
        "CqqUzZG5QPJhtQCVbFlyvW3cJOgrntAFOopJdd8QDlNxXixdX.jdGlYfK83hCu0"
    ),
    "ldap_des_crypt": "{CRYPT}..M1jmylA/5bC",
    "django_des_crypt": "crypt$$2PtqLGp.bHj9B",
    "ldap_md5": "{MD5}wn2UYkO6JO0w9uxhI7jehw==",
    "ldap_sha": "{SHA}lq9AmNPE3Dodf3tvnZlIs4NKM10=",
    "ldap_sha256": "{SHA256}vq99z8N9W17AofecDeEaVZczhWg5Oh+YsowfK2Em7X8=",
    "ldap_sha384": "{SHA384}UV2cSgwmPPpdaMKB6EsT/C3cPiZKLZyWsCMgmUGH4nlgooGlvtiDa/0CC+7rneNi",
    "ldap_sha512": "{SHA512}U8tS4cFzZ2vIQG0MrztOZf6avaUTgN9UaTLCRyfOB1pJoWKEZlsrLlB9JuNLaxduhTiq8IQlTgBcqbpyZ386FQ==",
    "ldap_smd5": "{SMD5}CIF4/z0pyR9wru6QEusQcW7tXYs=",
    "ldap_ssha": "{SSHA}t77l00MPuuHkCQom2AOt+UHf4a5Qam3t",
    "ldap_ssha256": "{SSHA256}Er2xIJTvxjHyWo/JqfPtEm15Jpk+IgimpoyI0KmMEhS615rTeu+99w==",
    "ldap_ssha384": (
        "{SSHA384}RFVxKmdwbMypKMtL6gAqCaojfdkyjFjG93moKJBErhjw2yXO6hDU9UA78W6o2pUlc3VvbGFhc3VvbGFhc3VvbA=="
    ),
    "ldap_ssha512": (
        "{SSHA512}+KC2RDm/dtlu5zA3+rCG2MTw7orYIxYf/pWtXhb4n1V8bUkJ4YvLBblk59WVkLOLKt65Ap9Fql/TRUw22U+XHM+Z05ozprR2"
    ),
    "atlassian": "{PKCS5S2}iRHi/P9fi5HS+l9rTYkR4rWQAEs0MLHvA6no06Y4g2r3KZIVCjXRy/1qaJ6hmpfk",
    "spring_argon2_5_8": f"{{argon2@SpringSecurity_v5_8}}$argon2id$v=19$m=64,t=1,p=1${SALT22}${DIGEST43}",
    "passlib_bcrypt_sha256": f"$bcrypt-sha256$v=2,t=2b,r=12$N93W0OiK6aEeGxVb4TNZLe${DIGEST31}",
    "passlib_bcrypt_sha256_v1": f"$bcrypt-sha256$2a,12$N93W0OiK6aEeGxVb4TNZLe${DIGEST31}",
    "passlib_scrypt": f"$scrypt$ln=14,r=8,p=1${SALT22}${DIGEST43}",
    "spring_scrypt": f"{{scrypt}}$e0801${PADDED64}${PADDED32}",
    "spring_scrypt_5_8": f"{{scrypt@SpringSecurity_v5_8}}$100801${SALT22}==${PADDED32}",
    "spring_sha256": "{sha256}" + "0f" * 40,
    "ldap_pbkdf2": "{PBKDF2-SHA1}10$OkdIKSUE4Nwb41zL2bvXeg$cA26iOAq5SXBEZcwWXlNUE..ncE",
    "scram_sha256": f"SCRAM-SHA-256$4096:{SALT22}==${PADDED32}:{PADDED32}",
    "werkzeug_hmac": "{werkzeug}sha1$B8L9Tsk6FZv9dWH8$ba31f416f7911e0e0a3584ee20d1f556ae764a64",
    "spring_pbkdf2": "{pbkdf2}73756f6c616173752916ae4c7c06cee9e8841a486d7f41ff5ce896718b60fb8859e4c3e72486256b",
    "spring_pbkdf2_5_8": (
        "{pbkdf2@SpringSecurity_v5_8}73756f6c616173756f6c616173756f6cfa"
        "781c1026e328ec7814013c4ce0be9edf539dc4902f76d5919033070c62dcfb"
    ),
    "keycloak": (
        '{"credentialData": "{\\"hashIterations\\": 10, \\"algorithm\\": \\"pbkdf2\\"}", '
        '"secretData": "{\\"value\\": \\"20QB+hhz7+8N1sfKWaILXucBQcFYtnO0pnEcy4hhwMNPxKD3iFTGiXEX4lEUEpuAbUjus7RUULenud5lUqF19w==\\", \\"salt\\": \\"c3VvbGFhc3VvbGFhc3VvbA==\\"}"}'
    ),
    "aspnet_v2": "AHN1b2xhYXN1b2xhYXN1b2xtr1oc3x9OfXcDDFS0UyJ9gDbdqR3VbSyFeVNfUgSPDg==",
    "aspnet_v3": "AQAAAAAAAAAKAAAAEHN1b2xhYXN1b2xhYXN1b2xqnRnbWc+leRYmtlEEttyTsKMrtuMtXOZq9V2aUI153g==",
    "mssql_2005": "0x01002B45C899E9F55EE993AAB5CB56DFB247188F1211CF979723",
    "mssql_2012": (
        "0x020073756F6C2EECBA37F6AC809BCAE4E4B5081B67D15116901FF76F4068F510B7DBC"
        "81420421094617DEFEDABA7D67CEFD04590C17C1997D0571AA849E98083043780AE5A32"
    ),
    "mysql": "*4FFC74AC12A69DBB9A80A4FDAE48ACB076B400FC",
    "nt": "$3$$f5dd15a850bf9dabb530fa68598bba6a",
    "keycloak_argon2": (
        r'{"credentialData": "{\"hashIterations\": 1, \"algorithm\": \"argon2\", \"additionalParameters\": '
        r"{\"hashLength\": [\"32\"], \"memory\": [\"64\"], \"type\": [\"id\"], \"version\": [\"1.3\"], "
        r'\"parallelism\": [\"1\"]}}", "secretData": "{\"value\": '
        r'\"CR2cXn2vFpY74vKyzSEkUguQuQlUKhEtO717NoC6830=\", \"salt\": \"c3VvbGFhc3VvbGFhc3VvbA==\"}"}'
    ),
    "yescrypt": "$y$j75$TYea2yMGZxjlYt0Kxwx7A.$QpbAbhxD5VlVd5rVlHHLmk5FvD7I5BgTCLXsBuL7ZPA",
    "ldap_yescrypt": "{CRYPT}$y$j9T$XQazzz8cKapHNqXbbRCE5/$0yR.DKpaIRu5sBxtPAgM/Yz2KmiV1TzwuONeRrgtNWB",
}
"""A hash of each built-in format, by the format's name. Nobody knows their passwords."""


def password(text: str) -> Password:
    """Read *text*, which is a password."""
    found = read(text, PasswordPolicy())
    assert isinstance(found, Password)
    return found
