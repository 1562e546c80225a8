"""A product with the widget in it: pages under a content security policy that forgives nothing."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The product</title></head>
<body><main><h1>The product</h1><p>Somebody is at work here.</p><a href="/">Next page</a></main>
<script nonce="of-this-page" async src="{server}/widget/v1.js"{attributes}></script></body>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'nonce-of-this-page'; connect-src {server}; base-uri 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


class Product:
    """Serves every path at `origin`, with the widget of `server` on it.

    `attributes` are the script tag's, beginning with a space.
    """

    def __init__(self, origin: str, server: str) -> None:
        self.attributes = ""
        product = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = _PAGE.format(server=server, attributes=product.attributes).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Content-Security-Policy", _POLICY.format(server=server))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", urlsplit(origin).port or 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
