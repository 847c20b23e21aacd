"""A real browser, driven over a pipe: open a page, press keys, click, ask what it shows."""

import base64
import contextlib
import fcntl
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage
    --disable-background-networking --disable-component-update --disable-sync
    --remote-debugging-pipe --disable-features=IsolateSandboxedIframes
"""  # the last: a frame in a sandbox talks to us as the rest of its page does
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}
KEYS |= {" ": 32, "Enter": 13, "Escape": 27, "Tab": 9}
LONGEST = 60  # seconds that an answer may take


def chromium():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def alone():
    """A tab of a browser of its own, and a folder for its pages."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,  # it may still write
        running(chromium(), Path(folder) / "profile") as window,
    ):
        yield window, Path(folder)


def from_npm(package, file):
    """A script of a package: at $AXE_CORE or $MERMAID, or where npm has put it beside the project.

    The test is skipped where there is none.
    """
    variable = package.replace("-", "_").upper()
    places = [Path(os.environ.get(variable, file))]
    places += [folder / "node_modules" / package / file for folder in Path(__file__).parents]
    path = next(filter(Path.is_file, places), None)
    if path is None:
        assert variable not in os.environ, f"there is no file at ${variable}"
        pytest.skip(f"{package} is not installed: npm install --no-save {package}")
    return path


class Browser:
    """One tab. `problems` is whatever the console said."""

    def __init__(self, process, to, answers):
        self._process, self._to, self._answers = process, to, answers
        self._selector = selectors.DefaultSelector()
        self._selector.register(answers, selectors.EVENT_READ)
        self._buffer, self._count, self._session = b"", 0, None
        self._loaded = False
        self._context = None  # of the last document, in a frame or not
        self.problems = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, path, at=""):
        """Open a file, at a place in it such as `#step=3`."""
        self._loaded = False
        self._call("Page.navigate", url=path.as_uri() + at)
        while not self._loaded:
            self._note(self._receive())
        laid_out = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
        self.ask(laid_out)  # and what observes sizes has been told

    def ask(self, expression):
        """The value of a JavaScript expression, or of what it promises."""
        return self._evaluate(expression)

    def ask_inside(self, expression):
        """`ask`, of the document that was opened last: that in the frame of a page."""
        return self._evaluate(expression, contextId=self._context)

    def _evaluate(self, expression, **where):
        result = self._call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            **where,
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression):
        """Wait until an expression holds."""
        end = time.monotonic() + LONGEST
        while not self.ask(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def text(self, selector):
        return self.ask(f"document.querySelector({json.dumps(selector)}).textContent")

    def press(self, *keys):
        for key in keys:
            code = {"key": key, "code": "Space" if key == " " else key}
            code["windowsVirtualKeyCode"] = KEYS.get(key) or ord(key.upper())
            typed = {"text": key} if len(key) == 1 else {}
            self._call("Input.dispatchKeyEvent", type="keyDown", **code, **typed)
            self._call("Input.dispatchKeyEvent", type="keyUp", **code)

    def click(self, selector):
        """A click in the middle of what is there, wherever that is on the screen."""
        place = self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def point(self, selector):
        """Move the pointer to the middle of what is there."""
        self._call("Input.dispatchMouseEvent", type="mouseMoved", **self._middle(selector))

    def wheel(self, selector, pixels):
        """Turn the wheel over the middle of what is there."""
        turned = {"type": "mouseWheel", "deltaX": 0, "deltaY": pixels}
        self._call("Input.dispatchMouseEvent", **turned, **self._middle(selector))

    def _middle(self, selector):
        element = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{element}.scrollIntoView({{block: 'center', inline: 'center'}})")
        box = self.ask(f"{element}.getBoundingClientRect().toJSON()")
        return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}

    def picture(self):
        """A PNG picture of what the window shows."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def screen(self, width=1280, height=900, **features):
        """A window of that size, for a reader with such wishes: `prefers_color_scheme="dark"`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        wishes = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self._call("Emulation.setEmulatedMedia", features=wishes)

    def _call(self, method, **params):
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _note(self, event):
        method = event.get("method")
        if method == "Runtime.executionContextCreated":
            self._context = event["params"]["context"]["id"]
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.problems.append(event["params"])
        if method == "Page.javascriptDialogOpening":
            self.problems.append(event["params"])
        self._loaded |= method == "Page.loadEventFired"

    def _receive(self):
        while b"\0" not in self._buffer:
            assert self._selector.select(LONGEST), "the browser does not answer"
            part = os.read(self._answers, 1 << 16)
            assert part, "the browser has ended"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def close(self):
        self._selector.close()
        self._process.terminate()
        self._process.wait(LONGEST)


@contextlib.contextmanager
def running(path, folder):
    """A browser, gone at the end with all it wrote."""
    with contextlib.ExitStack() as stack:
        ends = [_high(fd) for fd in (*os.pipe(), *os.pipe())]
        commands, to, answers, back = ends
        try:
            command = [path, *FLAGS.split(), f"--user-data-dir={folder}"]
            process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{back}', "bash", *command],
                pass_fds=(commands, back),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(commands)
            os.close(back)
        stack.callback(os.close, answers)
        browser = Browser(process, stack.enter_context(os.fdopen(to, "wb")), answers)
        stack.callback(browser.close)
        yield browser


def _high(fd):
    """The same pipe at a number out of the way of 3 and 4, which the browser reads and writes."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return moved
