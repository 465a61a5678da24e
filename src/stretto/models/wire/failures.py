"""What went wrong at a provider, in one sentence and without the key."""

from __future__ import annotations

from typing import Any

import httpx2
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestTimeout,
    UserError,
)

from stretto.core.errors import ModelError
from stretto.models.failures import retryable
from stretto.models.vendors import Endpoint

FAILURES = (AgentRunError, UserError, NotImplementedError, httpx2.HTTPError, ValueError)
"""What the models layer and the SDKs below it raise when a call fails; a body that is no JSON is a `ValueError`."""


def failure(error: Exception, name: str, endpoint: Endpoint) -> ModelError:
    """The error as ours: provider, model, status and the body's own message."""
    match error:
        case ModelHTTPError(status_code=status, retry_after=wait):
            again = retryable(status) and not isinstance(error, ModelQuotaExceededError)
            said = f"{name} answered {status}: {_message(error.body) or error.message}"
            return _error(said, endpoint, status=status, retryable=again, retry_after=wait)
        case ModelRequestTimeout(timeout=limit):
            return _error(f"{name} gave no answer within {limit:g} seconds", endpoint, retryable=True)
        case ModelConnectionError() | httpx2.TransportError():
            return _error(
                f"{name} could not be reached at {endpoint.base}, or the connection broke: {_cause(error)}",
                endpoint,
                retryable=True,
            )
        case UserError() | NotImplementedError():
            return _error(f"{name} cannot be asked this: {error}", endpoint, retryable=False)
        case ModelAPIError():
            return _error(f"{name} failed: {error.message}", endpoint, retryable=True, retry_after=error.retry_after)
        case _:
            return _error(f"{name} sent an answer that cannot be read: {error}", endpoint, retryable=True)


def _error(
    said: str, endpoint: Endpoint, *, retryable: bool, status: int | None = None, retry_after: float | None = None
) -> ModelError:
    clean = said.replace(endpoint.key, "***") if len(endpoint.key) > 7 else said
    return ModelError(clean, status=status, retryable=retryable, retry_after=retry_after)


def _message(body: Any) -> str:
    """The message in an error's body, which OpenAI gives bare and Anthropic inside `error`."""
    match body:
        case {"error": {"message": str(text)}} | {"message": str(text)} | {"error": str(text)}:
            return text
        case str():
            return body[:500]
        case _:
            return ""


def _cause(error: BaseException) -> str:
    """The innermost reason, which says more than the SDK's "Connection error."."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
