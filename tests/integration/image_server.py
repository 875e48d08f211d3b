# SPDX-License-Identifier: Apache-2.0
"""An HTTP server with one image and the faults that tests ask for. Notes each request's Range header."""
import http.server
import threading


class ImageServer:
    def __init__(self, content):
        self.content = content
        self.ranges = []         # of each GET, "" without one
        self.supports_range = True
        self.break_after = []    # bytes after which each connection breaks, in turn; then none does
        self.status = None       # answer every request with it
        self.statuses = []       # answer the first requests with these, in turn
        self.hold = None         # an event: after half of the body wait for it
        self.half_sent = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.answer(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/disk.qcow2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.hold:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        wanted = request.headers.get("Range", "")
        self.ranges.append(wanted)
        status = self.statuses.pop(0) if self.statuses else self.status
        if status:
            request.send_error(status)
            return
        begin = 0
        if wanted and self.supports_range:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            if begin >= len(self.content):
                request.send_error(416)
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        else:
            request.send_response(200)
        body = self.content[begin:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        limit = self.break_after.pop(0) if self.break_after else None
        try:
            if self.hold:
                request.wfile.write(body[:len(body) // 2])
                request.wfile.flush()
                self.half_sent.set()
                self.hold.wait(120)
                body = body[len(body) // 2:]
            request.wfile.write(body if limit is None else body[:limit])
            request.wfile.flush()
        except OSError:
            pass
        request.close_connection = True
