"""Burp Suite's "Save items": XML with one raw request an item.

Owns that envelope. The request in it is `raw`'s. The file is untrusted, and its DTD is part of what
Burp writes: defusedxml reads it without expanding anything.
"""

import base64
import binascii
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from deadheat.io.imports import raw
from deadheat.io.imports.imported import Imported, ImportMistake
from deadheat.model import Origin, TargetError


def parse(data: bytes) -> tuple[Imported, ...]:
    """The requests of the items, in order.

    Raises:
        ImportMistake: it is no such file.
    """
    try:
        root = fromstring(data, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except ParseError as error:
        raise ImportMistake(f"not XML: {error}") from None
    except DefusedXmlException as error:
        raise ImportMistake(f"it declares entities, which no such file needs: {error}") from None
    if root.tag != "items":
        raise ImportMistake(f"not items saved by Burp: it starts with <{root.tag}>")
    return tuple(_item(number, item) for number, item in enumerate(root.iter("item"), 1))


def write(found: tuple[Imported, ...]) -> bytes:
    """Items as Burp saves them, requests in base64."""
    root = Element("items", burpVersion="2024.1", exportTime="")
    for each in found:
        item = SubElement(root, "item")
        origin = each.origin or Origin("http", "localhost", 80)
        for name, text in (
            ("url", f"{origin}{each.request.target}"),
            ("host", origin.host),
            ("port", str(origin.port)),
            ("protocol", origin.scheme),
            ("method", each.request.method),
        ):
            SubElement(item, name).text = text
        request = SubElement(item, "request", base64="true")
        request.text = base64.b64encode(raw.write(each)).decode()
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _item(number: int, item: Element) -> Imported:
    request = item.find("request")
    if request is None or not request.text:
        raise ImportMistake(f"item {number} holds no request")
    text = request.text
    try:
        data = base64.b64decode(text) if request.get("base64") == "true" else text.encode("utf-8")
    except binascii.Error as error:
        raise ImportMistake(f"item {number}: {error}") from None
    host, port, protocol = (item.findtext(name, "") for name in ("host", "port", "protocol"))
    try:
        origin = Origin.of(f"{protocol}://{f'[{host}]' if ':' in host else host}:{port}") if host else None
    except TargetError as error:
        raise ImportMistake(f"item {number}: {error}") from None
    try:
        return raw.read(data, origin)
    except ImportMistake as mistake:
        raise ImportMistake(f"item {number}: {mistake}") from None
