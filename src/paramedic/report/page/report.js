"use strict";
// Draws the charts, and opens the pages of the rows. Text of the program reaches the page as text, never as markup.
(function () {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const charts = new Map();
  const find = (id) => document.getElementById(id);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const palette = () => ["accent", "second", "third", "passed", "suspect", "dim"].map(color);
  const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => "&#" + c.charCodeAt(0) + ";");
  const number = (x) => (x === null || x === undefined || x === "-" ? "–" : typeof x !== "number" ? String(x)
    : x === 0 || (Math.abs(x) >= 1e-3 && Math.abs(x) < 1e5) ? String(Number(x.toPrecision(3))) : x.toExponential(1));
  const finite = (values) => values.filter((x) => typeof x === "number" && Number.isFinite(x));
  const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (name) e.className = name; return e; };

  const common = () => ({ animation: false, textStyle: { color: color("dim") }, color: palette() });
  function paint(chart) {
    const option = chart.option();
    for (const part of option.dataZoom || []) Object.assign(part, chart.zoom ??= zoom.attach(chart.element, chart.box));
    chart.box.setOption({ ...common(), ...option }, true);
  }
  function draw(element, option, text) {
    let chart = charts.get(element);
    if (!chart) {
      chart = { element, box: echarts.init(element, null, { renderer: "canvas" }) };
      charts.set(element, chart);
      element.setAttribute("role", "img");
      const fit = () => { if (!chart.box.isDisposed()) chart.box.resize(); };
      new ResizeObserver(() => requestAnimationFrame(fit)).observe(element); // within the callback it would be a loop
    }
    chart.option = option;
    element.setAttribute("aria-label", text);
    paint(chart);
    element.dataset.drawn = "yes";
    return chart;
  }
  const redraw = () => charts.forEach(paint);
  for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", redraw);
  addEventListener("beforeprint", () => { document.querySelectorAll("main details").forEach((e) => { e.open = true; }); });

  const tooltip = (formatter) => ({ trigger: "axis", confine: true, backgroundColor: color("paper"), borderColor: color("line"), textStyle: { color: color("ink"), fontSize: 12 }, formatter });
  const line = () => ({ lineStyle: { color: color("line") } });
  const axis = (extra) => ({ type: "value", splitLine: line(), axisLine: line(), axisLabel: { color: color("dim"), formatter: number, hideOverlap: true }, nameTextStyle: { color: color("dim") }, ...extra });

  // A curve that spans more than this factor, all of it positive, is drawn on a logarithmic axis.
  const LOG_RATIO = 30, FAR_BELOW = 100, FAR_ABOVE = 10;
  function scaleOf(values) {
    const all = finite(values), low = Math.min(...all), high = Math.max(...all);
    return all.length && low > 0 && high / low > LOG_RATIO ? { type: "log", min: 10 ** Math.floor(Math.log10(low)), max: 10 ** Math.ceil(Math.log10(high)) } : { type: "value", scale: true };
  }

  // -- curves over the steps ---------------------------------------------------------------------------------------

  const NARROW = 520; // pixels: names of levels are short there
  const markColor = { bad: "fault", rate: "suspect", mode: "third", epoch: "line" };
  function curve(id, key, given) {
    const element = find("chart-" + id), series = (data.curves || {})[key] || [];
    if (!element) return;
    element.parentElement.hidden = !series.length;
    if (!series.length) return;
    const values = series.flatMap((s) => s.points.map((p) => p[1]));
    const low = Math.min(...finite(values)), far = FAR_ABOVE * Math.max(...finite(values));
    const log = scaleOf(values).type === "log" || (low > 0 && given.some((level) => level.value > far)); // or both would not be seen
    const levels = given.filter((level) => (log ? level.value > 0 && level.value >= low / FAR_BELOW : level.value <= far)); // a level far away would press the curve flat
    const extra = levels.map((level) => level.value);
    const sentence = series.map((s) => {
      const ys = finite(s.points.map((p) => p[1]));
      return `${s.name}: first ${number(ys[0])}, last ${number(ys[ys.length - 1])}, lowest ${number(Math.min(...ys))}`;
    }).concat(given.map((l) => `${l.text} ${number(l.value)}`)).join("; ");
    find("text-" + id).textContent = sentence;
    draw(element, () => {
      const y = scaleOf(log ? values.concat(extra) : values), all = finite(values.concat(extra));
      if (y.type === "value" && levels.length) { const low = Math.min(...all), high = Math.max(...all), pad = 0.06 * (high - low || 1); y.min = low >= 0 ? Math.max(0, low - pad) : low - pad; y.max = high + pad; }
      const marks = levels.map((l) => ({ yAxis: l.value, label: { formatter: element.clientWidth < NARROW ? l.short : l.text, position: l.at, color: color(l.color) }, lineStyle: { color: color(l.color), type: "dashed", width: 1.5 } }));
      if (key === "loss") for (const mark of data.marks || []) {
        const named = mark.kind !== "epoch";
        marks.push({ xAxis: mark.step, label: { show: named, formatter: mark.text, color: color(markColor[mark.kind]), position: "insideEndTop" }, lineStyle: { color: color(markColor[mark.kind]), type: named ? "dashed" : "solid", width: named ? 1.5 : 1 } });
      }
      return {
        grid: { left: 58, right: 18, top: series.length > 1 ? 34 : 14, bottom: 62 },
        legend: series.length > 1 ? { textStyle: { color: color("ink") }, top: 0, type: "scroll" } : undefined,
        tooltip: tooltip((items) => "step " + escaped(items[0].value[0]) + items.map((i) => "<br>" + escaped(i.seriesName) + ": <b>" + escaped(number(i.value[1])) + "</b>").join("")),
        xAxis: axis({ min: 0, max: Math.max(data.last || 0, ...series.flatMap((s) => s.points.map((p) => p[0]))), splitLine: { show: false } }), yAxis: axis(y),
        dataZoom: zoom.parts(color, Math.max(...series.map((s) => s.points.length))),
        series: series.map((s, at) => ({ name: s.name, type: "line", data: s.points, showSymbol: s.points.length < 12, lineStyle: { width: 1.6 }, connectNulls: false,
          markLine: at === 0 && marks.length ? { symbol: "none", silent: true, data: marks } : undefined })),
      };
    }, id + " chart. " + sentence).box.group = "steps"; // they are zoomed together
  }
  function curves() {
    const levels = [], given = data.levels || {};
    if (typeof given.chance === "number") levels.push({ value: given.chance, text: "chance: best constant output", short: "chance", color: "suspect", at: "insideStartTop" });
    if (typeof given.floor === "number") levels.push({ value: given.floor, text: "floor: best possible output", short: "floor", color: "passed", at: "insideEndTop" });
    const followed = ((data.curves || {}).loss || []).some((s) => s.name.startsWith("validation"));
    if (typeof given.validation === "number" && !followed) levels.push({ value: given.validation, text: "validation, last weights", short: "validation", color: "third", at: "insideMiddleTop" });
    curve("loss", "loss", levels);
    curve("metric", "metric", []);
    curve("lr", "lr", []);
    curve("gradient", "gradient", []);
    echarts.connect("steps");
  }

  // -- experiments -------------------------------------------------------------------------------------------------

  function summarized(replay) {
    const length = Math.min(...replay.curves.map((c) => c.losses.length)), rows = [];
    for (let at = 0; at < length; at++) {
      const ys = finite(replay.curves.map((c) => c.losses[at]));
      const x = Math.round((at + 0.5) * replay.curves[0].steps / replay.curves[0].losses.length);
      rows.push(ys.length ? [x, ys.reduce((a, b) => a + b, 0) / ys.length, Math.min(...ys), Math.max(...ys)] : [x, null, null, null]);
    }
    return rows;
  }
  function band(name, rows, paint) {
    const whole = rows.filter((r) => r[1] !== null);
    return [
      { name, type: "line", data: rows.map((r) => [r[0], r[1]]), showSymbol: false, lineStyle: { width: 2, color: paint }, itemStyle: { color: paint }, z: 3 },
      { name: name + " band", type: "custom", silent: true, tooltip: { show: false }, data: whole.length ? [[0, 0]] : [], encode: { x: -1, y: -1 }, clip: true, z: 1,
        renderItem: (_p, api) => ({ type: "polygon", shape: { points: whole.map((r) => api.coord([r[0], r[3]])).concat(whole.map((r) => api.coord([r[0], r[2]])).reverse()) }, style: { fill: paint, opacity: 0.2 } }) },
    ];
  }
  const SHOWN_AT_ONCE = 4; // of the experiments; what proves a finding comes first
  function replays() {
    const place = find("replays"), all = data.replays || [];
    if (!place || !all.length) return;
    const base = all.find((r) => r.changed === "nothing"), tried = all.filter((r) => r !== base);
    const first = tried.filter((r) => r.proves), rest = tried.filter((r) => !r.proves);
    if (first.length) while (rest.length && first.length < SHOWN_AT_ONCE) first.push(rest.shift()); // without a proof, all fold
    drawReplays(place, first, base);
    if (!rest.length) return;
    const more = find("more-replays"), inside = make("div", undefined, "pair");
    more.hidden = false;
    more.append(make("summary", `${rest.length}${first.length ? " more" : ""} that ${rest.length === 1 ? "was" : "were"} tried` + (first.length ? "" : ": none proves a fault")), inside);
    more.addEventListener("toggle", () => { if (!inside.children.length) drawReplays(inside, rest, base); });
  }
  function drawReplays(place, some, base) {
    for (const replay of some) {
      const figure = make("figure"), box = make("div", undefined, "chart"), rows = summarized(replay);
      const mended = replay.beside && data.replays.find((r) => r.changed === replay.beside), ground = mended || base, before = mended ? "without it" : "unchanged";
      const start = ground ? summarized(ground) : null;
      box.style.height = "250px";
      const last = (r) => number((r.filter((x) => x[1] !== null).pop() || [])[1]);
      const text = `${replay.title}: the loss ends at ${last(rows)}` + (start ? `, ${before} at ${last(start)}` : "") + ` (${replay.curves.length} seed${replay.curves.length === 1 ? "" : "s"})`;
      figure.append(make("h3", replay.title + (replay.proves ? ": the proof" : "")), box, make("figcaption", text));
      place.append(figure);
      draw(box, () => ({
        grid: { left: 58, right: 18, top: 30, bottom: 62 }, dataZoom: zoom.parts(color, 0), legend: { top: 0, data: start ? [before, "changed"] : ["changed"], textStyle: { color: color("ink") } },
        tooltip: tooltip((items) => "step " + escaped(items[0].value[0]) + items.map((i) => "<br>" + escaped(i.seriesName) + ": <b>" + escaped(number(i.value[1])) + "</b>").join("")),
        xAxis: axis({ splitLine: { show: false }, max: "dataMax" }), yAxis: axis(scaleOf(rows.concat(start || []).map((r) => r[1]))),
        series: [...(start ? band(before, start, color("fault")) : []), ...band("changed", rows, color("passed"))],
      }), text);
    }
  }

  // -- data --------------------------------------------------------------------------------------------------------

  function dataCharts() {
    const shown = data.data;
    if (!shown || !find("data")) return;
    const roles = Object.entries(shown.roles || {}).filter(([, part]) => part.classes);
    if (roles.length) {
      const names = [...new Set(roles.flatMap(([, part]) => part.classes.map((c) => c[0])))];
      find("classes").hidden = false;
      const text = "Classes in the recorded batches. " + roles.map(([role, part]) => role + ": " + part.classes.map((c) => c[0] + " " + c[1]).join(", ")).join("; ");
      find("text-classes").textContent = "Classes in the recorded batches, as shares.";
      draw(find("chart-classes"), () => ({
        grid: { left: 50, right: 10, top: 30, bottom: 30 }, legend: { top: 0, textStyle: { color: color("ink") } }, tooltip: tooltip(),
        xAxis: { type: "category", data: names, axisLabel: { color: color("dim"), hideOverlap: true }, axisLine: line() }, yAxis: axis({}),
        series: roles.map(([role, part]) => { const total = part.classes.reduce((a, c) => a + c[1], 0), at = new Map(part.classes); return { name: role, type: "bar", data: names.map((n) => Number(((at.get(n) || 0) / total).toFixed(4))) }; }),
      }), text);
    }
    if (shown.values) {
      const v = shown.values, width = (v.high - v.low) / 40;
      find("values").hidden = false;
      const text = "Input values. " + Object.entries(v.roles).map(([role, r]) => `${role}: mean ${number(r.mean)}, standard deviation ${number(r.std)}` + (r.nonfinite ? `, ${r.nonfinite} not finite` : "")).join("; ");
      find("text-values").textContent = text;
      draw(find("chart-values"), () => ({
        grid: { left: 50, right: 10, top: 30, bottom: 30 }, legend: { top: 0, textStyle: { color: color("ink") } }, tooltip: tooltip(),
        xAxis: { type: "category", data: v.roles[Object.keys(v.roles)[0]].shares.map((_x, i) => number(v.low + (i + 0.5) * width)), axisLabel: { color: color("dim"), hideOverlap: true }, axisLine: line() }, yAxis: axis({}),
        series: Object.entries(v.roles).map(([role, r]) => ({ name: role, type: "line", step: "middle", showSymbol: false, areaStyle: { opacity: 0.15 }, data: r.shares })),
      }), text);
    }
  }

  // -- heat maps ---------------------------------------------------------------------------------------------------

  const SEQUENCE = ["#2b1d5c", "#3b4d97", "#2f7fa5", "#35a88f", "#8ccf63", "#f6e61f"];
  function heatMaps() {
    const place = find("heat");
    if (!place) return;
    (data.heat || []).forEach((map, index) => {
      let box = find("heat-" + index);
      if (!box) {
        const figure = make("figure");
        box = make("div", undefined, "chart"); box.id = "heat-" + index;
        const caption = make("figcaption"); caption.id = "heat-text-" + index;
        figure.append(make("h3", map.title), box, caption); place.append(figure);
      }
      const height = (76 + Math.max(3, map.layers.length) * (map.layers.length > 30 ? 11 : 16)) + "px";
      if (box.style.height !== height) { box.style.height = height; const known = charts.get(box); if (known) known.box.resize(); }
      const log = map.scale === "log";
      const shown = (x) => (log ? (x > 0 ? Math.log10(x) : null) : x);
      const good = map.values.filter((c) => typeof c[2] === "number" && shown(c[2]) !== null), bad = map.values.filter((c) => typeof c[2] !== "number");
      const zs = good.map((c) => shown(c[2]));
      let low = Math.min(...zs), high = Math.max(...zs);
      if (map.scale === "share" || !zs.length) { low = 0; high = 1; }
      else if (map.scale === "signed") { high = Math.max(Math.abs(low), Math.abs(high)) || 1; low = -high; }
      else if (high - low < 1) { const middle = (low + high) / 2; low = middle - 0.5; high = middle + 0.5; } // less than a decade is no pattern
      const lowest = good.reduce((a, c) => (a === null || c[2] < a[2] ? c : a), null), highest = good.reduce((a, c) => (a === null || c[2] > a[2] ? c : a), null);
      const text = lowest && lowest[2] === highest[2] ? `${number(lowest[2])} everywhere` + (bad.length ? ` else; ${bad.length} cells not finite.` : ".")
        : lowest ? `Smallest ${number(lowest[2])} in ${map.layers[lowest[1]]} at step ${map.steps[lowest[0]]}; largest ${number(highest[2])} in ${map.layers[highest[1]]} at step ${map.steps[highest[0]]}` + (bad.length ? `; ${bad.length} cells not finite.` : ".") : `${bad.length} cells not finite.`;
      find("heat-text-" + index).textContent = text;
      const real = (z) => (log ? 10 ** z : z);
      draw(box, () => ({
        grid: { left: 8, right: 12, top: 6, bottom: 54, containLabel: true }, dataZoom: zoom.parts(color, map.steps.length, 30),
        tooltip: { confine: true, backgroundColor: color("paper"), borderColor: color("line"), textStyle: { color: color("ink"), fontSize: 12 },
          formatter: (item) => escaped(map.layers[item.value[1]]) + "<br>step " + escaped(map.steps[item.value[0]]) + ": <b>" + escaped(item.value[3] === undefined ? "not finite" : number(item.value[3])) + "</b>" },
        xAxis: { type: "category", data: map.steps, axisLabel: { color: color("dim"), hideOverlap: true }, axisLine: line(), axisTick: { show: false } },
        yAxis: { type: "category", inverse: true, data: map.layers, axisLabel: { color: color("dim"), fontSize: 11, formatter: (name) => (name.length > 26 ? "…" + name.slice(-25) : name), interval: map.layers.length > 30 ? "auto" : 0 }, axisLine: line(), axisTick: { show: false } },
        visualMap: { min: low, max: high, seriesIndex: 0, dimension: 2, calculable: false, orient: "horizontal", left: "center", bottom: 0, itemWidth: 12, itemHeight: 140, text: [number(real(high)), number(real(low))], formatter: (z) => number(real(z)), textStyle: { color: color("dim") },
          inRange: { color: map.scale === "signed" ? ["#2f6fd0", "#cfd6e2", "#c9472b"] : map.scale === "share" ? ["#35a88f", "#f6e61f", "#c9472b"] : SEQUENCE } },
        series: [{ type: "heatmap", data: good.map((c) => [c[0], c[1], shown(c[2]), c[2]]) }, { type: "heatmap", data: bad.map((c) => [c[0], c[1], 0]), itemStyle: { color: "#e5002b" } }],
      }), map.title + ". " + text);
    });
  }

  // -- distributions -----------------------------------------------------------------------------------------------

  const QUANTITIES = ["Activations", "Gradients", "Weights", "Updates", "Whole update"], WHOLE = 4;
  const COMPARABLE = 30; // a first step whose values are so many times as wide or narrow would press the other flat
  const unpacked = (r) => ({ layer: r[0], step: r[1], quantity: r[2], name: r[3], low: r[4], high: r[5], mean: r[6], std: r[7], nonfinite: r[8], counts: r[9], size: Math.hypot(r[6], r[7]) });
  let chosen = null; // what is shown: at the end unless somebody has chosen a step
  function distributions() {
    const all = data.distributions, when = find("when"), select = find("layer");
    if (!when || !all) return;
    find("distributions").hidden = false;
    if (!chosen) {
      chosen = { step: null };
      when.addEventListener("input", () => { chosen.step = Number(when.value) === Number(when.max) ? null : Number(when.value); shownDistributions(); });
      select.addEventListener("change", shownDistributions);
    }
    while (select.options.length < all.layers.length) { const option = make("option", all.layers[select.options.length]); option.value = select.options.length; select.append(option); }
    if (chosen.layer === undefined) chosen.layer = select.value = data.layer ?? all.rows.find((r) => r[3])?.[0] ?? 0;
    when.max = Math.max(0, all.steps.length - 1);
    when.disabled = all.steps.length < 2;
    when.value = chosen.step ?? when.max;
    shownDistributions();
  }
  function shownDistributions() {
    const all = data.distributions, at = Number(find("when").value), layer = Number(find("layer").value), step = all.steps[at] || "";
    const rows = all.rows.map(unpacked);
    find("when-text").textContent = step;
    find("when").setAttribute("aria-valuetext", step);
    sizes(rows.filter((r) => r.step === at), all, step);
    find("layer-title").textContent = all.layers[layer] + (step ? ", " + step : "");
    const mine = rows.filter((r) => r.layer === layer), place = find("histograms"), kept = new Set();
    for (const key of [...new Set(mine.map((r) => r.quantity + "/" + r.name))].sort()) {
      const [quantity, ...name] = key.split("/"), own = mine.filter((r) => r.quantity === Number(quantity) && r.name === name.join("/"));
      const now = own.find((r) => r.step === (r.quantity === WHOLE ? -1 : at)), first = own.find((r) => r.step >= 0 && r.step < at);
      if (now) kept.add(histogram(place, key, QUANTITIES[quantity] + (name.join("/") && name.join("/") !== "weight" ? ": " + name.join("/") : ""), now, first, all));
    }
    find("nothing").hidden = kept.size > 0;
    place.append(...kept); // in their order, whichever was there before
    for (const figure of [...place.children]) if (!kept.has(figure)) {
      const box = figure.querySelector(".chart");
      charts.get(box).box.dispose(); charts.delete(box); figure.remove();
    }
  }
  // One line per quantity over the layers: gradients that vanish fall by orders of magnitude.
  function sizes(rows, all, step) {
    const lines = QUANTITIES.slice(0, WHOLE).map((name, quantity) => {
      const points = new Map();
      for (const r of rows) if (r.quantity === quantity) points.set(r.layer, Math.max(points.get(r.layer) || 0, r.size));
      return { name, points };
    }).filter((line) => line.points.size > 1);
    find("sizes").hidden = !lines.length;
    if (!lines.length) return;
    const ends = (line) => {
      const sorted = [...line.points].sort((a, b) => a[1] - b[1]), low = sorted[0], high = sorted[sorted.length - 1];
      const times = low[1] > 0 && high[1] >= 2 * low[1] ? ` (${number(high[1] / low[1])} times)` : "";
      return `${line.name}: ${number(low[1])} in ${all.layers[low[0]]} to ${number(high[1])} in ${all.layers[high[0]]}${times}`;
    };
    const text = lines.map(ends).join("; ") + ".";
    find("text-sizes").textContent = text;
    const values = lines.flatMap((line) => [...line.points.values()]).filter((v) => v > 0);
    const low = 10 ** Math.floor(Math.log10(Math.min(...values))), high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
    draw(find("chart-sizes"), () => ({
      grid: { left: 8, right: 18, top: 34, bottom: 8, containLabel: true }, legend: { top: 0, type: "scroll", textStyle: { color: color("ink") } },
      tooltip: tooltip((items) => escaped(all.layers[items[0].dataIndex]) + items.filter((i) => i.value !== null && i.value !== undefined).map((i) => "<br>" + escaped(i.seriesName) + ": <b>" + escaped(number(i.value)) + "</b>").join("")),
      xAxis: { type: "category", data: all.layers, axisLabel: { color: color("dim"), hideOverlap: true, fontSize: 11, formatter: (name) => (name.length > 18 ? "…" + name.slice(-17) : name) }, axisLine: line() },
      yAxis: axis(values.length ? { type: "log", min: low, max: high > low ? high : 10 * low } : {}),
      series: lines.map((item) => ({ name: item.name, type: "line", connectNulls: true, symbolSize: 7, lineStyle: { width: 1.8 }, data: all.layers.map((_name, at) => (item.points.get(at) > 0 ? item.points.get(at) : null)) })),
    }), `Root mean square of the values of each layer, ${step}. ` + text);
  }
  function histogram(place, key, title, now, first, all) {
    let figure = [...place.children].find((item) => item.dataset.key === key);
    if (!figure) {
      const box = make("div", undefined, "chart");
      figure = make("figure"); figure.dataset.key = key; box.style.height = "190px";
      figure.append(make("h4"), box, make("figcaption"));
      place.append(figure);
    }
    const near = first && first.std > 0 && now.std > 0 && Math.max(first.std / now.std, now.std / first.std) < COMPARABLE;
    const text = (now.quantity === WHOLE ? "Last weights − first. " : "") + `Mean ${number(now.mean)}, standard deviation ${number(now.std)}` + (now.nonfinite ? `, ${now.nonfinite} not finite` : "") + (now.std ? "" : ": all values are equal")
      + (first ? `; ${all.steps[first.step]}: ${number(first.mean)} and ${number(first.std)}` : "") + ".";
    figure.children[0].textContent = title;
    figure.children[2].textContent = text;
    const density = (r) => { const count = r.counts.reduce((a, b) => a + b, 0), width = (r.high - r.low) / r.counts.length; return r.counts.map((n, i) => [r.low + (i + 0.5) * width, n / (count * width)]); };
    const normal = (r) => [...Array(65).keys()].map((i) => r.low + i * (r.high - r.low) / 64).map((x) => [x, Math.exp(-((x - r.mean) ** 2) / (2 * r.std ** 2)) / (r.std * Math.sqrt(2 * Math.PI))]);
    const steps = (name, r, paint) => ({ name, type: "line", step: "middle", showSymbol: false, areaStyle: { opacity: 0.2 }, lineStyle: { width: 1 }, color: paint, data: density(r) });
    draw(figure.children[1], () => {
      const series = [...(near ? [steps(all.steps[first.step], first, color("dim"))] : []), steps(now.step < 0 ? "whole" : all.steps[now.step], now, color("accent"))];
      if (now.std > 0) series.push({ name: "normal", type: "line", showSymbol: false, color: color("second"), lineStyle: { width: 1.5, type: "dashed" }, data: normal(now) });
      return { grid: { left: 12, right: 16, top: 28, bottom: 24 }, legend: { top: 0, itemWidth: 14, textStyle: { color: color("ink"), fontSize: 11 } },
        tooltip: tooltip((items) => escaped(number(items[0].value[0])) + items.map((i) => "<br>" + escaped(i.seriesName) + ": " + escaped(number(i.value[1]))).join("")),
        xAxis: axis({ splitLine: { show: false }, splitNumber: 3, scale: true, min: "dataMin", max: "dataMax" }), yAxis: axis({ axisLabel: { show: false }, splitLine: { show: false } }), series };
    }, title + ". " + text);
    return figure;
  }

  // -- the strip and its pages, the copy button ---------------------------------------------------------------------

  function strip() {
    const why = find("strip-why"), dialog = find("page"), body = find("page-body");
    for (const button of document.querySelectorAll(".strip button")) {
      const id = button.dataset.row, row = data.rows[id];
      button.title = `${row.title}: ${row.word}`;
      const tell = () => { why.textContent = `${id} ${row.title}: ${row.word}` + (row.why ? `. ${row.why}` : ""); };
      button.addEventListener("pointerenter", tell);
      button.addEventListener("focus", tell);
      button.addEventListener("click", () => {
        find("page-title").textContent = `${id}: ${row.title}`;
        body.replaceChildren(make("p", row.word + (row.why ? ": " + row.why : "")));
        for (const page of row.pages) body.append(make("h3", page.name), make("pre", page.doc));
        if (!row.pages.length) body.append(make("p", "No check speaks for this row yet."));
        dialog.showModal();
        dialog.scrollTop = 0;
      });
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 };
    document.querySelector(".strip").addEventListener("keydown", (event) => {
      const buttons = [...document.querySelectorAll(".strip button")], at = buttons.indexOf(event.target);
      if (at >= 0 && event.key in step) { buttons[(at + step[event.key] + buttons.length) % buttons.length].focus(); event.preventDefault(); }
    });
    find("page-close").addEventListener("click", () => dialog.close());
  }
  async function copy() {
    try { await navigator.clipboard.writeText(data.issue); }
    catch (_error) { // no permission, or not a secure context
      const area = make("textarea"); area.value = data.issue; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    find("copied").textContent = "Copied";
    setTimeout(() => { find("copied").textContent = ""; }, 3000);
  }

  // -- while the program runs ----------------------------------------------------------------------------------------

  const PAUSE = 500; // milliseconds between two questions; what is new is written once in a second
  const TRIES = 4; // a busy machine may leave a question without an answer
  let version = "", heat = "", unanswered = 0;
  async function follow() {
    try {
      const answer = await fetch("data.json?" + version, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const { done, news, version: latest } = await answer.json();
      if (done) { location.reload(); return; }
      version = latest;
      unanswered = 0;
      if (news) tell(news);
    } catch (_error) {
      unanswered += 1;
      if (unanswered >= TRIES) {
        find("progress").textContent = "The program or its observer has ended; this page shows what came last.";
        return;
      }
    }
    setTimeout(follow, PAUSE);
  }
  function tell(news) {
    find("progress").textContent = news.progress;
    document.querySelector(".verdict").classList.toggle("is-fault", news.findings.length > 0);
    if (news.findings.length) find("verdict").textContent = "Wrong already, while it runs";
    document.title = news.findings.length ? news.findings[0].claim : news.progress; // for those who look elsewhere meanwhile
    find("live-findings").replaceChildren(...news.findings.map((f) => {
      const item = make("li"); item.append(make("strong", f.claim, f.level), make("div", f.place, "place"), make("div", f.summary), make("div", f.remedy, "act")); return item;
    }));
    Object.assign(data, news);
    curves();
    const layers = JSON.stringify(news.heat);
    if (layers !== heat) heatMaps(); // five large drawings, which change less often than the curves
    if (news.distributions) distributions();
    heat = layers;
  }

  strip();
  find("copy").addEventListener("click", copy);
  curves(); replays(); dataCharts(); heatMaps(); distributions();
  if ("live" in document.body.dataset) follow();
  document.body.dataset.ready = "yes";
})();
