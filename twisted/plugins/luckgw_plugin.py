"""What twistd finds: ``twistd luckgw start``."""

from twisted.application.service import ServiceMaker

luckgw = ServiceMaker(
    "luckgw",
    "luckgw.tap",
    "The luckgw SMS gateway: HTTP and SMPP in, operators' SMSCs out.",
    "luckgw",
)
