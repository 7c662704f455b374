"""Why there is no connection, in words: what TLS and certificates say, and what to do about it."""

import re
import ssl

import httpcore
import httpx


class CannotConnect(httpx.ConnectError):
    """No connection, for a reason that another try does not remove: a certificate, a proxy's password.

    Nothing was sent. `hint` says what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def in_words(error: Exception) -> str:
    """Return what an error says, without what is for programmers: numbers of errors, lines of C, bytes of Python."""
    if isinstance(tls_cause(error), ssl.SSLEOFError):
        return "it was closed in the middle"
    return _FOR_PROGRAMMERS.sub("", str(error)).rstrip(".")


_FOR_PROGRAMMERS = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:[0-9]+\)|: bytearray\(.*\)", re.DOTALL)


def tls_cause(error: Exception) -> ssl.SSLError | None:
    """Return the error of TLS that one of httpcore is made of."""
    cause = error.args[0] if error.args else None
    return cause if isinstance(cause, ssl.SSLError) else None


def tls_problem(error: httpcore.ConnectError, host: str) -> Exception:
    """Return why there is no TLS with a host: `CannotConnect` where another try does not help."""
    cause = tls_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        message = f"the certificate of {host} was not accepted: {cause.verify_message.rstrip('.')}"
        return CannotConnect(message, _CERTIFICATE_HINTS.get(cause.verify_code, _CERTIFICATE_HINT))
    if cause is not None:
        if cause.reason == "WRONG_VERSION_NUMBER":
            return CannotConnect(f"{host} does not speak TLS", "Check the port and the scheme of the address.")
        if _ALERT.match(cause.reason or "") or cause.reason == "UNSUPPORTED_PROTOCOL":
            return refused_tls(host, cause)
    return httpcore.ConnectError(f"no TLS connection to {host}: {in_words(error)}")


_CERTIFICATE_HINT = "Where a company's own certificates are used, set SSL_CERT_FILE to the file that holds them."
_CLOCK_HINT = "Check the clock of this machine; if it is right, whoever runs the server has to renew its certificate."
_NAME_HINT = (
    "The address names another host than the certificate: check it (of the API, GCORE_BASE_URL), and what answers in "
    "its place."
)
_CERTIFICATE_HINTS = {9: _CLOCK_HINT, 10: _CLOCK_HINT, 62: _NAME_HINT, 64: _NAME_HINT}
"""By OpenSSL's X509_V_ERR_*: not yet valid, expired, another host name, another IP address."""

_ALERT = re.compile(r"(?!.*INTERNAL_ERROR)(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?")
"""How OpenSSL names what a server says that ends a handshake for good."""


def refused_tls(host: str, cause: ssl.SSLError) -> CannotConnect:
    """Say that a host ended the handshake for good, in the words of its alert."""
    return CannotConnect(
        f"{host} refuses a TLS connection: {_ALERT.sub('', cause.reason or '').lower().replace('_', ' ')}",
        "It may want a client certificate, of which sgctl has none, or know no version of TLS from 1.2 on: check the "
        "address, and what answers in its place.",
    )
