"use strict";
const timezone = document.getElementById("timezone");
timezone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (!timezone.value) timezone.value = "UTC"; // the browser's is none that we know
