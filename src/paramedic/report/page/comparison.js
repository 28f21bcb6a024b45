"use strict";
// Both runs on one chart each. Text of the programs reaches the page as text, never as markup.
(function () {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
  const number = (x) => (typeof x !== "number" ? "–" : x === 0 || (Math.abs(x) >= 1e-3 && Math.abs(x) < 1e5) ? String(Number(x.toPrecision(3))) : x.toExponential(1));
  const LOG_RATIO = 30; // as in the report
  const boxes = [];
  const last = Math.max(...data.curves.flatMap((c) => c.series.flatMap((s) => s.points.map((p) => p[0]))));
  for (const curve of data.curves) {
    const element = document.getElementById("chart-" + curve.key);
    if (!element) continue;
    const ys = curve.series.flatMap((s) => s.points.map((p) => p[1])).filter((y) => typeof y === "number");
    const low = Math.min(...ys), high = Math.max(...ys), log = low > 0 && high / low > LOG_RATIO;
    const text = curve.series.map((s) => { const own = s.points.map((p) => p[1]).filter((y) => typeof y === "number"); return `${s.name}: first ${number(own[0])}, last ${number(own[own.length - 1])}`; }).join("; ");
    document.getElementById("text-" + curve.key).textContent = text;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", curve.title + " of both runs. " + text);
    const box = echarts.init(element, null, { renderer: "canvas" }), shown = zoom.attach(element, box);
    box.group = "steps"; // they are zoomed together
    const draw = () => {
      const line = { lineStyle: { color: color("line") } }, label = { color: color("dim"), formatter: number, hideOverlap: true };
      box.setOption({
        animation: false, textStyle: { color: color("dim") }, grid: { left: 62, right: 18, top: 34, bottom: 62 },
        dataZoom: zoom.parts(color, Math.max(...curve.series.map((s) => s.points.length))).map((part) => ({ ...part, ...shown })),
        legend: { top: 0, type: "scroll", textStyle: { color: color("ink") } },
        tooltip: { trigger: "axis", confine: true, backgroundColor: color("paper"), borderColor: color("line"), textStyle: { color: color("ink"), fontSize: 12 },
          formatter: (items) => "step " + escaped(items[0].value[0]) + items.map((i) => "<br>" + escaped(i.seriesName) + ": <b>" + escaped(number(i.value[1])) + "</b>").join("") },
        xAxis: { type: "value", min: 0, max: last, splitLine: { show: false }, axisLine: line, axisLabel: label },
        yAxis: { type: log ? "log" : "value", scale: true, splitLine: line, axisLine: line, axisLabel: label },
        series: curve.series.map((s) => ({ name: s.name, type: "line", data: s.points, showSymbol: s.points.length < 12, lineStyle: { width: 1.6, type: s.name.includes("validation") ? "dashed" : "solid" },
          color: color(s.run === "A" ? "second" : "accent") })),
      }, true);
    };
    draw();
    new ResizeObserver(() => requestAnimationFrame(() => box.resize())).observe(element);
    boxes.push(draw);
    element.dataset.drawn = "yes";
  }
  echarts.connect("steps");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => boxes.forEach((draw) => draw()));
  document.body.dataset.ready = "yes";
})();
