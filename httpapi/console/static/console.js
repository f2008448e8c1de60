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
})();
