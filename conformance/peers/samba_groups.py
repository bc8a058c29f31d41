"""Puts accounts into groups of a Samba domain: samba_groups.py SMB_CONF KRBTGT_KEYTAB < lines

Each line is an account, its password, and how many global, domain local and universal groups it gets. Prints for each
`NAME user SID` and `NAME group SID` for each group, the primary one among them. The krbtgt's keys go into the keytab.
"""

import sys

import samba.dckeytab  # noqa: F401 (gives Net.export_keytab)
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

settings = LoadParm()
settings.load(sys.argv[1])
directory = SamDB(session_info=system_session(), lp=settings)
base = str(directory.domain_dn())
# Security groups of each scope (MS-ADTS section 2.2.12).
KINDS = {"global": -2147483646, "local": -2147483644, "universal": -2147483640}


def sid(dn):
    found = directory.search(dn, scope=0, attrs=["objectSid"])[0]
    return str(ndr_unpack(security.dom_sid, found["objectSid"][0]))


for line in sys.stdin:
    name, password, *counts = line.split()
    directory.newuser(name, password)
    user = str(directory.search(base, expression=f"(sAMAccountName={name})", attrs=["dn"])[0].dn)
    print(name, "user", sid(user))
    domain = sid(user).rpartition("-")[0]
    print(name, "group", f"{domain}-513")
    groups = []
    directory.transaction_start()
    for kind, count in zip(KINDS, counts):
        for number in range(int(count)):
            group = f"{name}-{kind}-{number}"
            dn = f"CN={group},CN=Users,{base}"
            directory.add(
                {
                    "dn": dn,
                    "objectClass": "group",
                    "sAMAccountName": group,
                    "groupType": str(KINDS[kind]),
                    "member": user,
                }
            )
            groups.append(dn)
    directory.transaction_commit()
    for dn in groups:
        print(name, "group", sid(dn))
Net(None, settings).export_keytab(keytab=sys.argv[2], principal="krbtgt/AD.TEST")
