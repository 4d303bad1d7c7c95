"""Checkpoints on the Hugging Face hub and in its cache."""

from huggingface_hub import constants

# A server in front of people's cameras reports to nobody: huggingface_hub would report torch's version to the hub, and
# first ask it how to find out which agents run here.
constants.HF_HUB_DISABLE_TELEMETRY = True
