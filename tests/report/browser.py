"""The report in a real browser, for those who look at it, print it, or have it read to them.

    python3 tests/report/browser.py REPORT.html [--pictures DIR]
    python3 tests/report/browser.py --octavo OCTAVO [--pictures DIR]

The second makes the report first: the demo's model on 300 of its images.

Chromium opens the file through chromedriver (the WebDriver protocol, plain HTTP). Checked, in light
and dark, on a desk and on a phone's width:
  nothing is asked of the network and nothing is logged as an error;
  every chart is drawn: its canvas has several colours;
  nothing is wider than the page;
  every control and every scrolled table can be reached and opened by the keyboard;
  pictures and charts have names, tables have column heads, headings do not skip a level;
  text has the contrast that WCAG 2.1 AA asks for (4.5);
  in print nothing stays folded.
Last line: N passed, N failed. Exit code 77, with a notice, where Chromium is not installed.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--force-device-scale-factor=1"]
VIEWS = [(width, scheme) for width in (1200, 390) for scheme in ("light", "dark")]

# Each returns a list of complaints.
CHARTS = """
return [...document.querySelectorAll('canvas')].flatMap(c => {
  const name = c.getAttribute('aria-label') || 'a chart without a name';
  if (!c.width || !c.height) return [name + ': no size'];
  const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, colours = new Set();
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3]) colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  return colours.size < 8 ? [name + ': ' + colours.size + ' colours, nothing drawn'] : [];
});"""
NETWORK = """
return performance.getEntriesByType('resource').map(e => e.name)
  .filter(name => !name.startsWith('data:'));"""
WIDTH = """
const page = document.documentElement;
return page.scrollWidth > page.clientWidth
  ? ['the page is ' + page.scrollWidth + ' wide, the window ' + page.clientWidth] : [];"""
NAMES = """
const complaints = [];
for (const c of document.querySelectorAll('canvas'))
  if (c.getAttribute('role') !== 'img' || !c.getAttribute('aria-label')) complaints.push('canvas without a name');
for (const i of document.querySelectorAll('img'))
  if (!i.hasAttribute('alt')) complaints.push('picture without alt');
for (const t of document.querySelectorAll('table'))
  if (![...t.querySelectorAll('thead th')].every(h => h.scope === 'col')) complaints.push('table head without scope');
let level = 0;
for (const h of document.querySelectorAll('h1, h2, h3, h4')) {
  const next = Number(h.tagName[1]);
  if (next > level + 1) complaints.push('heading ' + h.textContent + ' skips a level');
  level = next;
}
if (!document.documentElement.lang) complaints.push('no language');
return complaints;"""
SCROLLED = """
return [...document.querySelectorAll('main *')].filter(e => {
  const s = getComputedStyle(e);
  return (s.overflowX === 'auto' || s.overflowY === 'auto') &&
    (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) && e.tabIndex < 0;
}).map(e => 'scrolled, but not to be reached: ' + e.textContent.slice(0, 40));"""
CONTRAST = """
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
const worst = new Map();
for (const e of document.querySelectorAll('main *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) worst.set(e.tagName + '.' + e.className, ratio.toFixed(2));
}
return [...worst].map(([e, r]) => e + ': contrast ' + r);"""
FOLDED = """
return [...document.querySelectorAll('details')].filter(d => !d.lastElementChild.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
  .map(d => 'folded in print: ' + d.querySelector('summary').textContent);"""


class Browser:
    """A chromedriver and one session of it."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.root = f"http://127.0.0.1:{port}"
        self.wait()
        options = {"args": FLAGS + [f"--user-data-dir={folder}"]}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{answer['sessionId']}"

    def wait(self):
        for _ in range(100):
            try:
                return self.call("GET", "/status")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("chromedriver does not answer")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"},
                                         method=method)
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.load(response)["value"]

    def post(self, path, **body):
        return self.call("POST", self.session + path, body)

    def run(self, script):
        return self.post("/execute/sync", script=script, args=[])

    def devtools(self, command, **parameters):
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def show(self, width, scheme):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900,
                      deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", media="",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.3)

    def errors(self):
        return [e["message"] for e in self.post("/se/log", type="browser") if e["level"] == "SEVERE"]

    def picture(self, path):
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()


def make_report(octavo, folder):
    subprocess.run([octavo, "compare", ROOT / "demo/fashion_mobilenetv2.keras", "--data",
                    f"{IMAGES}/t10k-images-idx3-ubyte.gz:300", "--calib",
                    f"{IMAGES}/train-images-idx3-ubyte.gz:50", "--bench-seconds", "1", "--quiet",
                    "-o", folder], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "report.html")


def by_keyboard(browser):
    """Tab through the page: every summary and scrolled table must come up, Enter must unfold."""
    wanted = browser.run("return [...document.querySelectorAll('summary, [tabindex=\"0\"]')].length")
    keys = {"actions": [{"type": "key", "id": "k", "actions": [
        {"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]}
    enter = {"actions": [{"type": "key", "id": "k", "actions": [
        {"type": "keyDown", "value": "\ue007"}, {"type": "keyUp", "value": "\ue007"}]}]}
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0); window.seen = new Set()")
    complaints = []
    for _ in range(wanted * 2 + 5):
        browser.post("/actions", **keys)
        kind = browser.run("const e = document.activeElement; window.seen.add(e); return e.tagName")
        if kind == "SUMMARY":
            before = browser.run("return document.activeElement.parentElement.open")
            browser.post("/actions", **enter)
            if browser.run("return document.activeElement.parentElement.open") == before:
                complaints.append("Enter does not unfold")
            if before:
                browser.post("/actions", **enter)
        if kind == "BODY":
            break
    missed = browser.run("return [...document.querySelectorAll('summary, [tabindex=\"0\"]')]"
                         ".filter(e => !window.seen.has(e) && e.getBoundingClientRect().height)"
                         ".map(e => 'not reached: ' + e.textContent.slice(0, 40))")
    return complaints + missed


def in_print(browser):
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = false; })")
    browser.devtools("Emulation.setEmulatedMedia", media="print", features=[])
    folded = browser.run(FOLDED)
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    time.sleep(0.2)
    unfolded = browser.run(FOLDED)
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    still_open = browser.run("return document.querySelectorAll('details[open]').length")
    return (unfolded + (["the check does not see folded parts"] if not folded else []) +
            ([f"{still_open} parts stay open after printing"] if still_open else []))


def look(browser, report, pictures):
    """Yields (what, complaints)."""
    browser.post("/url", url=pathlib.Path(report).resolve().as_uri())
    for width, scheme in VIEWS:
        browser.show(width, scheme)
        view = f"{width} px, {scheme}"
        yield f"charts drawn ({view})", browser.run(CHARTS)
        yield f"fits the page ({view})", browser.run(WIDTH)
        yield f"contrast ({view})", browser.run(CONTRAST)
        yield f"scrolled parts can be reached ({view})", browser.run(SCROLLED)
        if pictures:
            browser.picture(os.path.join(pictures, f"report-{width}-{scheme}.png"))
    browser.show(1200, "light")
    yield "names, heads, headings", browser.run(NAMES)
    yield "keyboard", by_keyboard(browser)
    yield "print", in_print(browser)
    yield "no network", browser.run(NETWORK)
    yield "no errors", browser.errors()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("report", nargs="?")
    parser.add_argument("--octavo", help="make the report with this command")
    parser.add_argument("--pictures", help="folder for screenshots")
    args = parser.parse_args()
    if not args.report and not os.path.isdir(IMAGES):
        print(f"browser: {IMAGES} is missing (Debian package dataset-fashion-mnist); skipped")
        return SKIPPED
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        print("browser: Chromium is not installed (Debian packages chromium, chromium-driver); skipped")
        return SKIPPED
    if args.pictures:
        os.makedirs(args.pictures, exist_ok=True)
    passed = failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = args.report or make_report(args.octavo, folder)
        browser = Browser(folder)
        try:
            for what, complaints in look(browser, report, args.pictures):
                print(f"{'ok  ' if not complaints else 'FAIL'} {what}")
                for complaint in complaints:
                    print(f"     {complaint}")
                passed += not complaints
                failed += bool(complaints)
        finally:
            browser.close()
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
