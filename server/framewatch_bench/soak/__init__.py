"""Honest clients beside hostile ones, for as long as one likes."""
