"use strict";
// Zoom of the charts over the steps: the bar below a chart, Ctrl and the wheel, two fingers, and the keyboard.
const zoom = (function () {
  const BAR = 16, BELOW = 8, STEP = 0.25, LEAST = 0.5; // pixels; a share of what is shown; per cent
  const FEW = 60; // points: so few are drawn as lines that reach beyond what is shown

  // The parts of an option. ``bottom``: pixels between the bar and the lower end.
  function parts(color, points, bottom) {
    const shared = { filterMode: points > FEW ? "filter" : "none", xAxisIndex: 0 };
    return [
      { ...shared, type: "inside", zoomOnMouseWheel: "ctrl", preventDefaultMouseMove: false },
      { ...shared, type: "slider", height: BAR, bottom: bottom === undefined ? BELOW : bottom, borderColor: color("line"), showDetail: false, brushSelect: false,
        fillerColor: color("line"), backgroundColor: color("panel"), dataBackground: { lineStyle: { color: color("dim") }, areaStyle: { opacity: 0 } },
        handleStyle: { color: color("paper"), borderColor: color("accent"), borderWidth: 1.5 }, moveHandleSize: 0 },
    ];
  }

  // Keys of a chart that has the focus, and what is shown of it while it is drawn anew.
  function attach(element, box) {
    const shown = { start: 0, end: 100 };
    const set = (start, end) => {
      const width = Math.max(LEAST, Math.min(100, end - start)), from = Math.max(0, Math.min(100 - width, start));
      box.dispatchAction({ type: "dataZoom", start: from, end: from + width });
    };
    const change = {
      "+": () => narrowed(1 - STEP), "=": () => narrowed(1 - STEP), "-": () => narrowed(1 / (1 - STEP)), "0": () => set(0, 100),
      ArrowLeft: () => moved(-STEP), ArrowRight: () => moved(STEP),
    };
    function narrowed(factor) {
      const middle = (shown.start + shown.end) / 2, half = factor * (shown.end - shown.start) / 2;
      set(middle - half, middle + half);
    }
    function moved(share) {
      const by = share * (shown.end - shown.start);
      set(shown.start + by, shown.end + by);
    }
    element.tabIndex = 0;
    element.setAttribute("aria-keyshortcuts", "+ - ArrowLeft ArrowRight 0");
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in change)) return;
      change[event.key]();
      event.preventDefault();
    });
    element.addEventListener("dblclick", () => set(0, 100));
    box.on("datazoom", () => {
      const now = box.getOption().dataZoom[0];
      Object.assign(shown, { start: now.start, end: now.end });
      element.dataset.shown = `${now.start.toFixed(1)} ${now.end.toFixed(1)}`;
    });
    return shown;
  }
  return { parts, attach, BAR };
})();
