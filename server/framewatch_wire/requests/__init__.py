"""Requests as they arrive: bytes that are checked before they become messages, and messages before they are used."""
