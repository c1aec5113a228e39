"""Keeps hosts from reporting their use or looking for news, which has to be said before they are imported."""

import os

os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
        "NEMO_GUARDRAILS_TELEMETRY_ENABLED": "0",
        "OTEL_SDK_DISABLED": "true",
    }
)
