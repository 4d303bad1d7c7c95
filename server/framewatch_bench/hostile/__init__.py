"""Clients that mean harm, or are broken: files, messages and behaviour that a server has to survive."""
