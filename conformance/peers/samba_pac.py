"""What Samba's NDR reads in a PAC: samba_pac.py FILE prints a line for each buffer and each fact."""

import sys

from samba.dcerpc import krb5pac
from samba.ndr import ndr_unpack

with open(sys.argv[1], "rb") as file:
    octets = file.read()
pac = ndr_unpack(krb5pac.PAC_DATA, octets)
for buffer in pac.buffers:
    print("buffer", buffer.type)
    if buffer.type == krb5pac.PAC_TYPE_LOGON_INFO:
        info = buffer.info.info.info3
        resource = buffer.info.info.resource_groups
        domain = str(info.base.domain_sid)
        print("user", f"{domain}-{info.base.rid}")
        print("primary", f"{domain}-{info.base.primary_gid}")
        print("name", info.base.account_name.string)
        print("server", info.base.logon_server.string)
        print("domain", info.base.logon_domain.string)
        for group in info.base.groups.rids or []:
            print("group", f"{domain}-{group.rid}", group.attributes)
        for extra in (info.sids or [])[: info.sidcount]:
            print("extra", extra.sid, extra.attributes)
        for group in resource.groups.rids or []:
            print("resource", f"{resource.domain_sid}-{group.rid}", group.attributes)
    elif buffer.type == krb5pac.PAC_TYPE_LOGON_NAME:
        print("client", buffer.info.account_name, buffer.info.logon_time)
    elif buffer.type == krb5pac.PAC_TYPE_UPN_DNS_INFO:
        print("upn", buffer.info.upn_name)
        print("dns", buffer.info.dns_domain_name)
    elif buffer.type == krb5pac.PAC_TYPE_CONSTRAINED_DELEGATION:
        print("target", buffer.info.info.proxy_target.string)
        for service in buffer.info.info.transited_services or []:
            print("transited", service.string)
    elif buffer.type == krb5pac.PAC_TYPE_REQUESTER_SID:
        print("requestor", buffer.info.sid)
