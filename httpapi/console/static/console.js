// What htmx leaves to us. Every page works without it.
(function () {
  "use strict";
  var alert = document.getElementById("alert");

  function say(text) {
    alert.textContent = text;
    alert.hidden = !text;
  }

  // Empty fields make addresses long and say nothing.
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.verb !== "get") return;
    Array.from(event.detail.formData.entries()).forEach(function (pair) {
      if (pair[1] === "") event.detail.formData.delete(pair[0]);
    });
  });

  // What a part of the page was asked for and did not come is said, and stays as it was.
  document.addEventListener("htmx:responseError", function (event) {
    say("This could not be loaded (" + event.detail.xhr.status + "). Try again in a moment.");
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () {
      say("The server does not answer. Try again in a moment.");
    });
  });
  document.addEventListener("htmx:afterSwap", function () { say(""); });

  // The faults of fields come with what a form is answered with.
  document.addEventListener("htmx:afterSettle", function () {
    document.querySelectorAll(".fault[id]").forEach(function (fault) {
      var control = document.getElementById(fault.id.replace(/-fault$/, ""));
      if (!control) return;
      if (fault.textContent.trim()) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    });
  });

  // Who types into one of two versions means that one.
  document.addEventListener("input", function (event) {
    var side = event.target.closest(".side");
    if (side && event.target.type !== "radio") side.querySelector("input[type=radio]").checked = true;
  });

  // A file may be dropped anywhere on its page. One that is too large is told of before it is sent.
  var file = document.querySelector("input[type=file][data-most]");
  if (file) {
    ["dragover", "drop"].forEach(function (name) {
      document.addEventListener(name, function (event) {
        event.preventDefault();
        if (name !== "drop" || !event.dataTransfer.files.length) return;
        file.files = event.dataTransfer.files;
        file.dispatchEvent(new Event("change"));
        file.form.requestSubmit();
      });
    });
    file.addEventListener("change", function () {
      var large = file.files[0] && file.files[0].size > Number(file.dataset.most);
      file.setCustomValidity(large ? "This file is too large. Split it, or use the API." : "");
      file.reportValidity();
    });
    file.form.addEventListener("submit", function () {
      document.getElementById("live").textContent = "The file is being sent.";
    });
  }

  // Progress comes as a stream. Where none comes for a while it is asked for.
  var run = document.querySelector("[data-stream]");
  if (run) {
    var source = new EventSource(run.dataset.stream), heard = Date.now();
    source.addEventListener("part", function (event) {
      heard = Date.now();
      say("");
      htmx.swap("#progress", event.data, { swapStyle: "outerHTML" });
    });
    source.addEventListener("end", function () {
      source.close();
      location.reload();
    });
    setInterval(function () {
      if (Date.now() - heard < 3000) return;
      htmx.ajax("GET", location.pathname, { target: "#progress", swap: "outerHTML" }).catch(function () {}); // it is said
    }, 2000);
  }

  // What changes by itself can be paused, and does not change under the focus.
  var paused = false, resume = function () {};
  function ready() {
    var button = document.getElementById("pause");
    if (!button) return;
    button.hidden = false;
    button.setAttribute("aria-pressed", String(paused));
    button.onclick = function () {
      paused = !paused;
      button.setAttribute("aria-pressed", String(paused));
      resume();
    };
  }
  document.addEventListener("htmx:beforeRequest", function (event) {
    var elt = event.detail.elt;
    if (elt.hasAttribute("data-polls") && (paused || document.hidden || elt.contains(document.activeElement))) event.preventDefault();
  });
  document.addEventListener("htmx:afterSettle", ready);

  // Changes come as rows. Whoever was away goes on behind the last one that came.
  function follow(rows) {
    var most = Number(rows.dataset.most), last = rows.dataset.after, fresh = 0, told = 0, timer;
    var held = document.createElement("tbody"), state = document.getElementById("following"), live = document.getElementById("live");

    function put(into, html) {
      var template = document.createElement("template");
      template.innerHTML = html;
      var come = Array.from(template.content.children);
      into.prepend.apply(into, come);
      while (into.rows.length > most) into.deleteRow(-1);
      return come.length;
    }
    function tell(text) {
      state.textContent = text;
    }
    function settle() {
      tell(paused ? "Paused" + (held.rows.length ? "; " + held.rows.length + (held.rows.length === 1 ? " change waits" : " changes wait") : "") : "Changes are shown as they happen");
    }
    function announce() {
      timer = 0;
      live.textContent = fresh + (fresh === 1 ? " new change" : " new changes");
      fresh = 0;
      told = Date.now();
    }
    resume = function () {
      if (!paused) {
        rows.prepend.apply(rows, Array.from(held.rows));
        while (rows.rows.length > most) rows.deleteRow(-1);
      }
      settle();
    };
    function connect() {
      var source = new EventSource(rows.dataset.changes + "?after=" + encodeURIComponent(last));
      source.onopen = settle;
      source.addEventListener("changes", function (event) {
        last = event.lastEventId;
        var empty = document.getElementById("no-changes");
        if (empty) empty.remove();
        fresh += put(paused ? held : rows, event.data);
        settle();
        if (!timer) timer = setTimeout(announce, Math.max(0, told + 5000 - Date.now()));
      });
      source.addEventListener("again", function () { // the feed does not go on from there
        source.close();
        setTimeout(function () { location.reload(); }, 2000);
      });
      source.onerror = function () {
        tell("The server does not answer; it is tried again, and nothing is lost");
        if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
      };
    }
    connect();
  }

  ready();
  var stream = document.querySelector("tbody[data-changes]");
  if (stream && window.EventSource) follow(stream);
})();
