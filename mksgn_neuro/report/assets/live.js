"use strict";
// A stream as it is answered: the newest frame that the server tells of.
(() => {
  const { data, themed, onTheme, sharp, drawBody } = report;
  const id = (name) => document.getElementById(name);
  const HISTORY = 10; // seconds
  const [RETRY, BREAK] = [1000, 500]; // milliseconds: until another try; without a frame, for a line to break
  const state = { told: null, turn: 0, frames: 0, history: [], reach: 0 };

  const quantity = (value, unit) => {
    const [prefix, factor] = [["", 1], ["m", 1e3], ["µ", 1e6], ["n", 1e9]].find(([, f]) => value * f >= 1) || ["n", 1e9];
    return `${(value * factor).toPrecision(3)} ${prefix}${unit}`;
  };

  // A list of bars whose rows are made once; names come from a network's file, so they are text.
  const bars = (list, names) => {
    const rows = names.map((name) => {
      const row = document.createElement("div");
      row.setAttribute("role", "listitem");
      for (const part of ["name", "track", "count"]) {
        const span = document.createElement("span");
        span.className = part;
        row.append(span);
      }
      row.children[1].append(document.createElement("i"));
      row.children[0].textContent = row.title = name;
      list.append(row);
      return row;
    });
    return (shares, texts, leads) =>
      rows.forEach((row, i) => {
        row.querySelector("i").style.width = `${100 * Math.min(1, shares[i])}%`;
        row.children[2].textContent = texts[i];
        row.classList.toggle("leads", i === leads);
      });
  };
  const showScores = bars(id("scores"), data.classes);
  const showPopulations = bars(id("populations"), data.populations.map(([name]) => name));

  const drawSkeleton = () => {
    const [context, width, height] = sharp(id("skeleton"));
    const positions = state.told && state.told.positions;
    if (!positions) return;
    const present = positions.filter((p) => p);
    if (!present.length) return;
    const middle = [0, 1, 2].map((k) => {
      const values = present.map((p) => p[k]);
      return (Math.min(...values) + Math.max(...values)) / 2;
    });
    const turned = (p) => [
      (p[0] - middle[0]) * Math.cos(state.turn) + (p[2] - middle[2]) * Math.sin(state.turn),
      p[1] - middle[1],
    ];
    // The largest that was seen lately, so that the figure does not breathe.
    const now = Math.max(1, ...present.map((p) => Math.hypot(p[0] - middle[0], p[1] - middle[1], p[2] - middle[2])));
    state.reach = Math.max(now, 0.995 * state.reach);
    const scale = (Math.min(width, height) / 2 - 20) / state.reach;
    const place = (p) => [width / 2 + p[0] * scale, height / 2 - p[1] * scale];
    const lost = new Set([...(state.told.held || []), ...(state.told.absent || [])]);
    const [seen, held] = [themed("c1"), themed("c2")];
    drawBody(context, positions.map((p) => p && place(turned(p))), () => 0, (v) => (lost.has(data.joints[v]) ? held : seen));
  };

  const drawHistory = () => {
    const [context, width, height] = sharp(id("history"));
    const most = Math.max(...state.history.map(([, watts]) => watts), 1e-12);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = themed("soft");
    context.fillText(state.history.length ? quantity(most, "J/s") : "no frame yet", 6, 14);
    context.fillText("0", 6, height - 6);
    context.strokeStyle = themed("rule");
    context.strokeRect(0.5, 20.5, width - 1, height - 40);
    context.strokeStyle = themed("c1");
    context.lineWidth = 2;
    context.beginPath();
    const now = state.history.length ? state.history[state.history.length - 1][0] : 0;
    let before = -Infinity;
    for (const [at, watts] of state.history) {
      const point = [width * (1 - (now - at) / (1000 * HISTORY)), height - 20 - (height - 40) * (watts / most)];
      if (at - before > BREAK) context.moveTo(...point);
      else context.lineTo(...point);
      before = at;
    }
    context.stroke();
  };

  const say = (told) => {
    const parts = [told.gap ? `a gap of ${told.gap} s, begun anew` : "", told.held ? `held: ${told.held.join(", ")}` : ""];
    parts.push(told.absent ? `absent: ${told.absent.join(", ")}` : "");
    id("said").textContent = parts.filter((part) => part).join(" · ") || "every joint is seen";
  };

  const showFrame = (told) => {
    state.frames += 1;
    say(told);
    const leads = data.classes.indexOf(told.decision);
    const most = Math.max(1, ...told.scores);
    showScores(told.scores.map((score) => score / most), told.scores, leads);
    id("decision").textContent = told.decision;
    id("latency").textContent = `${told.latency_ms.toFixed(1)} ms`;
    if (told.spikes) {
      const neurons = data.populations.reduce((sum, [, size]) => sum + size, 0);
      const total = told.spikes.reduce((a, b) => a + b, 0);
      showPopulations(told.spikes.map((n, i) => n / data.populations[i][1]), told.spikes, -1);
      id("total").textContent = total;
      id("share").textContent = `${((100 * total) / neurons).toFixed(1)} % of ${neurons} neurons`;
      id("per-frame").textContent = `${quantity(told.joules, "J")} for this frame`;
    }
    if (told.joules_per_second !== undefined && told.joules_per_second !== null) {
      id("power").textContent = quantity(told.joules_per_second, "J/s");
      const now = performance.now();
      state.history.push([now, told.joules_per_second]);
      while (state.history[0][0] < now - 1000 * HISTORY) state.history.shift();
    }
  };

  const show = (told) => {
    id("source").textContent = told.source ? `from ${told.source}` : "nobody sends frames";
    if (told.error) {
      id("said").textContent = told.error;
    } else if (told.scores) {
      state.told = told;
      showFrame(told);
      drawSkeleton();
      drawHistory();
    }
    if (told.lines) id("count").textContent = `${told.lines} lines, ${told.errors} could not be read`;
    Object.assign(id("now").dataset, { frames: state.frames, errors: told.errors || 0, decision: told.decision || "" });
  };

  const connect = () => {
    const server = new WebSocket(`ws://${location.host}/watch`);
    server.addEventListener("open", () => (id("now").dataset.connected = "true"));
    server.addEventListener("message", (event) => show(JSON.parse(event.data)));
    server.addEventListener("close", (event) => {
      id("now").dataset.connected = "false";
      id("said").textContent = `no connection${event.reason ? `: ${event.reason}` : ""}; trying again`;
      setTimeout(connect, RETRY);
    });
  };

  report.turnable(id("skeleton"), state, drawSkeleton);

  if (data.rate === null) id("power-caption").textContent = "Joules per second: the network has no frame rate";
  const draw = () => {
    drawSkeleton();
    drawHistory();
  };
  onTheme.push(draw);
  addEventListener("resize", draw);
  draw();
  connect();
})();
