"""Fills a new Samba domain for the suite: samba_accounts.py SMB_CONF KEYTAB_FOLDER < accounts.json

The accounts are a list of objects; `name` and `password` make a user, the other fields change it:
`spn` (a list), `delegate` (msDS-AllowedToDelegateTo), `flags` (more of userAccountControl), `enctypes`
(msDS-SupportedEncryptionTypes), `upn`, `expired`, `mustchange`, `groups` (so many groups of its own), `keytab` (export the
keys of the account and its services into NAME.keytab).
"""

import json
import sys

import ldb
import samba.dckeytab  # noqa: F401 (gives Net.export_keytab)
from samba.auth import system_session
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

settings = LoadParm()
settings.load(sys.argv[1])
directory = SamDB(session_info=system_session(), lp=settings)
base = directory.domain_dn()


def change(dn, **attributes):
    message = ldb.Message(dn)
    for name, value in attributes.items():
        name = name.replace("_", "-")
        values = value if isinstance(value, list) else [value]
        message[name] = ldb.MessageElement([str(v) for v in values], ldb.FLAG_MOD_REPLACE, name)
    directory.modify(message)


# A password may be changed at once, and three wrong ones lock an account.
change(ldb.Dn(directory, base), minPwdAge=0, lockoutThreshold=3)
net = Net(None, settings)
for account in json.load(sys.stdin):
    name = account["name"]
    directory.newuser(
        name, account["password"], force_password_change_at_next_login_req=account.get("mustchange", False)
    )
    found = directory.search(base, expression=f"(sAMAccountName={name})", attrs=["userAccountControl"])[0]
    attributes = {
        "servicePrincipalName": account.get("spn"),
        "msDS_AllowedToDelegateTo": account.get("delegate"),
        "msDS_SupportedEncryptionTypes": account.get("enctypes"),
        "userPrincipalName": account.get("upn"),
    }
    if "flags" in account:
        attributes["userAccountControl"] = int(str(found["userAccountControl"])) | account["flags"]
    if account.get("expired"):
        attributes["accountExpires"] = 1
    attributes = {key: value for key, value in attributes.items() if value is not None}
    if attributes:
        change(found.dn, **attributes)
    for number in range(account.get("groups", 0)):
        group = f"a-group-with-a-long-name-for-{name}-{number}"
        directory.newgroup(group)
        directory.add_remove_group_members(group, [name])
    if account.get("keytab"):
        for principal in [name, *account.get("spn", [])]:
            net.export_keytab(keytab=f"{sys.argv[2]}/{name}.keytab", principal=principal)
