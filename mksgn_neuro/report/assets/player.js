"use strict";
// The clip player: skeleton, raster and class scores of one clip at one frame.
(() => {
  const { data, bytes, colour, themed, onTheme, sharp, drawBody } = report;
  const id = (name) => document.getElementById(name);
  const [joints, classes] = [data.joints.length, data.classes.length];
  const ABSENT = -32768; // of a body that is not in the frame
  const MOST_SCORES = 12;
  const stage = id("stage");
  const state = { clip: 0, frame: 0, playing: false, turn: 0, since: 0 };
  const unpacked = new Map();

  const clip = () => {
    if (!unpacked.has(state.clip)) {
      const packed = data.clips[state.clip];
      unpacked.set(state.clip, {
        ...packed,
        positions: new Int16Array(bytes(packed.positions).buffer),
        glow: bytes(packed.glow),
        raster: bytes(packed.raster),
        class_spikes: bytes(packed.class_spikes),
      });
    }
    return unpacked.get(state.clip);
  };

  const held = (shown, frame) => frame >= shown.end;
  const seconds = (shown, frames) => `${(frames / shown.rate).toFixed(2)} s`;

  const point = (shown, t, v) => {
    const at = (t * joints + v) * 3;
    const [x, y, z] = shown.positions.subarray(at, at + 3);
    const { middle } = bounds(shown);
    const [across, deep] = [x - middle[0], z - middle[1]];
    return x === ABSENT ? null : [across * Math.cos(state.turn) + deep * Math.sin(state.turn), y];
  };

  // One box for the whole clip and every turn, so that the figure neither jumps nor breathes.
  const bounds = (shown) => {
    if (shown.bounds) return shown.bounds;
    const least = [Infinity, Infinity, Infinity];
    const most = [-Infinity, -Infinity, -Infinity];
    const present = [];
    for (let i = 0; i < shown.positions.length; i += 3) {
      const p = shown.positions.subarray(i, i + 3);
      if (p[0] === ABSENT) continue;
      present.push(p);
      p.forEach((value, k) => ([least[k], most[k]] = [Math.min(least[k], value), Math.max(most[k], value)]));
    }
    const middle = [(least[0] + most[0]) / 2, (least[2] + most[2]) / 2];
    const reach = present.reduce((r, [x, , z]) => Math.max(r, Math.hypot(x - middle[0], z - middle[1])), 1);
    return (shown.bounds = { middle, reach, low: least[1], high: Math.max(most[1], least[1] + 1) });
  };

  const drawSkeleton = (shown) => {
    const [context, width, height] = sharp(id("skeleton"));
    const { reach, low, high } = bounds(shown);
    const scale = Math.min((width - 40) / (2 * reach), (height - 40) / (high - low));
    const place = (p) => [width / 2 + p[0] * scale, height / 2 - (p[1] - (low + high) / 2) * scale];
    const points = data.joints.map((_, v) => point(shown, state.frame, v)).map((p) => p && place(p));
    const size = shown.frames * joints;
    const layer = shown.glow.subarray(id("layer").value * size).subarray(0, size);
    const most = layer.reduce((a, b) => Math.max(a, b), 1);
    const glow = (v) => layer[state.frame * joints + v] / most;
    id("brightest").textContent = `brightest: ${((100 * most) / 255).toFixed(0)} % of a joint's neurons fire`;
    if (held(shown, state.frame)) {
      context.fillStyle = themed("c2");
      context.font = "13px system-ui, sans-serif";
      context.fillText("last pose held", 10, 20);
    }
    drawBody(context, points, glow, (v) => colour(glow(v)));
  };

  const rows = data.raster.reduce((sum, [, , count]) => sum + count, 0);
  const rowBytes = Math.ceil(rows / 8);
  const drawRaster = (shown) => {
    const [context, width, height] = sharp(id("raster"));
    const frames = shown.frames;
    const [left, bottom] = [92, 20];
    const [w, h] = [(width - left) / frames, (height - bottom) / rows];
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const [ink, soft, rule] = [themed("ink"), themed("soft"), themed("rule")];
    let free = 0; // labels where there is room for one
    for (const [name, first, count] of data.raster) {
      context.fillStyle = rule;
      context.fillRect(0, first * h, width, 0.5);
      const middle = (first + count / 2) * h;
      if (middle >= free) {
        context.fillStyle = soft;
        context.fillText(name, 4, middle);
        free = middle + 12;
      }
    }
    for (let t = 0; t < frames; t++) {
      context.fillStyle = t === state.frame ? themed("c2") : t < state.frame ? ink : soft;
      context.globalAlpha = t > state.frame ? 0.35 : 1;
      for (let r = 0; r < rows; r++)
        if (shown.raster[t * rowBytes + (r >> 3)] & (128 >> (r & 7)))
          context.fillRect(left + t * w, r * h, Math.max(w - 1, 1), Math.max(h * 0.85, 0.8));
    }
    context.globalAlpha = 1;
    context.fillStyle = soft;
    const step = Math.ceil(frames / (width < 500 ? 4 : 8));
    const end = left + shown.end * w;
    for (let t = 0; t < frames; t += step) {
      const x = left + t * w;
      if (shown.end >= frames || x < end - 70 || x > end) context.fillText(`${t + 1}`, x, height - 8);
    }
    if (shown.end < frames) drawEnd(context, end, height - bottom);
    context.strokeStyle = themed("c2");
    context.strokeRect(left + state.frame * w, 0, w, height - bottom);
  };

  // Where the clip really ends, and its last pose is held from.
  const drawEnd = (context, x, height) => {
    context.strokeStyle = context.fillStyle = themed("c3");
    context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
    context.setLineDash([]);
    context.textAlign = "right";
    context.fillText("clip ends", x - 4, height + 12);
    context.textAlign = "left";
  };

  const scoresAt = (shown, frame) => {
    const scores = new Array(classes).fill(0);
    for (let t = 0; t <= frame; t++) for (let c = 0; c < classes; c++) scores[c] += shown.class_spikes[t * classes + c];
    return scores;
  };

  const bars = id("scores");
  const drawScores = (shown) => {
    const scores = scoresAt(shown, state.frame);
    const leads = scores.indexOf(Math.max(...scores)); // ties go to the lowest class
    const most = Math.max(1, ...scoresAt(shown, shown.frames - 1));
    const final = scoresAt(shown, shown.frames - 1).map((score, c) => [score, c]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    const kept = new Set([shown.label, ...final.slice(0, MOST_SCORES - 1).map(([, c]) => c)]);
    const order = classes <= MOST_SCORES ? [...scores.keys()] : [...kept].sort((a, b) => a - b);
    bars.replaceChildren(
      ...order.map((c) => {
        const row = document.createElement("div");
        row.setAttribute("role", "listitem");
        row.className = `${c === shown.label ? "true" : ""} ${c === leads ? "leads" : ""}`;
        row.innerHTML = '<span class="name"></span><span class="track"><i></i></span><span class="count"></span>';
        row.children[0].textContent = row.title = data.classes[c];
        row.querySelector("i").style.width = `${(100 * scores[c]) / most}%`;
        row.children[2].textContent = scores[c];
        return row;
      })
    );
    stage.dataset.leads = leads;
    return [scores, leads];
  };

  const say = (shown, scores, leads) => {
    const [truth, now] = [data.classes[shown.label], data.classes[leads]];
    const early = state.frame + 1 < Math.min(shown.end, shown.frames);
    const tied = early && scores.filter((score) => score === scores[leads]).length;
    const right = leads === shown.label ? `right: “${now}”` : `“${now}”, but it is “${truth}”`;
    const verdict = tied > 1 ? `${tied} classes lead alike, it is “${truth}”` : right;
    const leaked = shown.leaked ? " · also in training (leaked)" : "";
    const over = held(shown, state.frame) ? `, last pose held since frame ${shown.end}` : early ? ", so far" : "";
    const decided = `decided at the last one: “${data.classes[shown.decided]}”`;
    const cut = shown.end > shown.frames ? ` · ${shown.frames} of ${shown.end} frames shown, ${decided}` : "";
    id("said").textContent = `frame ${state.frame + 1}${over}: ${verdict}${leaked}${cut}`;
  };

  const draw = () => {
    const shown = clip();
    drawSkeleton(shown);
    drawRaster(shown);
    const [scores, leads] = drawScores(shown);
    id("said").setAttribute("aria-live", state.playing ? "off" : "polite");
    say(shown, scores, leads);
    id("scrub").max = shown.frames - 1;
    id("scrub").value = state.frame;
    id("frame-number").textContent = `${state.frame + 1} / ${shown.frames} · ${seconds(shown, state.frame + 1)}`;
    id("clip").value = state.clip;
    id("play").textContent = state.playing ? "pause" : "play";
    id("play").setAttribute("aria-pressed", state.playing);
    const over = held(shown, state.frame);
    Object.assign(stage.dataset, { clip: state.clip, frame: state.frame, playing: state.playing, held: over });
  };

  const showFrame = (frame) => {
    state.frame = Math.min(clip().frames - 1, Math.max(0, frame));
    draw();
  };
  const last = () => Math.min(clip().end, clip().frames) - 1; // where the decision counts
  const showClip = (index) => {
    state.clip = (index + data.clips.length) % data.clips.length;
    showFrame(state.playing ? 0 : last());
  };
  const tick = (now) => {
    if (!state.playing) return;
    const each = 1000 / (clip().rate * id("speed").value); // milliseconds of a frame
    const due = Math.floor((now - state.since) / each);
    if (due > 0) {
      state.since = due > 10 ? now : state.since + due * each; // a page that was hidden does not catch up
      showFrame((state.frame + Math.min(due, 10)) % clip().frames);
    }
    requestAnimationFrame(tick);
  };
  const play = (playing) => {
    const started = playing && !state.playing;
    state.playing = playing;
    if (started) state.since = performance.now();
    if (started && state.frame >= last()) state.frame = 0;
    draw();
    if (started) requestAnimationFrame(tick);
  };

  data.clips.forEach((c, i) => {
    const mark = c.decided === c.label ? "✓" : "✗";
    id("clip").add(new Option(`${mark} ${data.classes[c.label]} · ${c.name}`, i));
  });
  data.layers.forEach((name, i) => id("layer").add(new Option(name, i)));
  const gate = data.layers.findIndex((name) => name.endsWith("graph"));
  id("layer").value = Math.max(gate, 0);

  id("play").addEventListener("click", () => play(!state.playing));
  id("next").addEventListener("click", () => showClip(state.clip + 1));
  id("previous").addEventListener("click", () => showClip(state.clip - 1));
  id("clip").addEventListener("change", (event) => showClip(Number(event.target.value)));
  id("layer").addEventListener("change", draw);
  id("scrub").addEventListener("input", (event) => {
    state.playing = false;
    showFrame(Number(event.target.value));
  });
  document.querySelectorAll(".watch").forEach((button) =>
    button.addEventListener("click", () => {
      showClip(Number(button.dataset.clip));
      stage.scrollIntoView();
      stage.focus();
    })
  );

  const KEYS = {
    " ": () => play(!state.playing),
    ArrowRight: () => showFrame(state.frame + 1),
    ArrowLeft: () => showFrame(state.frame - 1),
    ArrowDown: () => showClip(state.clip + 1),
    ArrowUp: () => showClip(state.clip - 1),
  };
  stage.addEventListener("keydown", (event) => {
    const inside = event.target.tagName;
    const own = inside === "SELECT" || (event.key === " " && inside === "BUTTON");
    if (own || !KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  report.turnable(id("skeleton"), state, () => drawSkeleton(clip()));

  onTheme.push(draw);
  addEventListener("resize", draw);
  showClip(0);
})();
