"""All that the museum has."""

from tests.museum import (
    gallery_answers,
    gallery_bodies,
    gallery_framing,
    gallery_receipts,
    gallery_sessions,
)

EXHIBITS = [
    *gallery_framing.FRAMING,
    *gallery_sessions.BINDS,
    *gallery_sessions.STATES,
    *gallery_sessions.RARE,
    *gallery_bodies.STRINGS,
    *gallery_bodies.LENGTHS,
    *gallery_bodies.TLVS,
    *gallery_bodies.CONTENT,
    *gallery_answers.ANSWERS,
    *gallery_receipts.TEXTS,
    *gallery_receipts.TLVS,
    *gallery_receipts.KINDS,
    *gallery_receipts.IDS,
]
