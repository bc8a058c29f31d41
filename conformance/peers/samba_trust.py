"""Makes a Samba domain know another realm by a trust: samba_trust.py SMB_CONF REALM

Nobody of that realm is asked, and no keys are shared: the domain's KDC sends clients there and nothing more.
"""

import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.samdb import SamDB

settings = LoadParm()
settings.load(sys.argv[1])
realm = sys.argv[2].lower()
directory = SamDB(session_info=system_session(), lp=settings)
base = str(directory.domain_dn())
# MS-ADTS section 6.1.6.7: both directions, an Active Directory domain, no attributes.
directory.add(
    {
        "dn": f"CN={realm},CN=System,{base}",
        "objectClass": "trustedDomain",
        "trustPartner": realm,
        "flatName": realm.split(".")[0].upper(),
        "trustDirection": "3",
        "trustType": "2",
        "trustAttributes": "0",
        "securityIdentifier": ndr_pack(security.dom_sid("S-1-5-21-1-2-3")),
    },
    controls=["relax:0"],
)
