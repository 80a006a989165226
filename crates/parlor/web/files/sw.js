const VERSION = "cdd1c7e7630a9fbf";
const FILES = [["/","sha256-dgwe0bUHVjkgXBIYYZCs2LaJFrtoPni5jNC/W7cc584="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-DWRRYlJq.js","sha256-eeozG+RyKbq/IRsRBa+FBPPVc7Gdzwjf24Jqw1d2Gd8="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-D-rbrikj.js","sha256-7eQwbbvIKEU4wc3Y3bLX4XBawA0aG7IJ+R0kgVHfH3k="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-Bh_cZDyZ.js","sha256-9GSgUoiUYLXg6jrM8orIoWNR9HGAvKbhPlqtSajZ1Dc="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-Dj5ZWVQV.js","sha256-zVCNuLYRqk+D2zudCF2PewZ6FMj6WXCg2A/88O9Cmt4="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-DKo5ZM3b.js","sha256-NwPExGdrxziIIXVBEF+zr+MonzMMIp87sERWtWnfGCw="],["/assets/conversation-view-CVSNai-o.js","sha256-CJXVikKIayINv0IG7L0gPuC+5RMT+Tm1zKkr6WjT/Wo="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/copy-C8L8hy2M.js","sha256-zl+mwrnxFbf0jzs8v14CP2MKUt0LX2BTmWi9pr3vGMA="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-CYYZZzgi.js","sha256-YZtJRG9OI2kCSqBLYn/4e+C63CWhUzN4sMug2ESNDXc="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-7iBwJAie.js","sha256-6tKNWpLTgNIh2BfkQUC+2DER6RLz8mRh10sD1HQXGWw="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-BhCl3FYh.js","sha256-myKp0c1BsXATRvArEddqALORS7aV2nWTrpgnt+52fXk="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-DFGageUI.js","sha256-2ppAWaNDKPbiDYGQ3GSc62jEFzCUdP68ULJBDPLllJ4="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-GNaVq80P.js","sha256-oU28oiHz+2BVbLyWnt1t2H6o1n9LBcVQT0zYF9wCfXc="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-DwvpENdq.js","sha256-vDlUHqDSv4mfT8tftNodS+rD0xv1VYdaVb9mFW5m+9o="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-DsyBvzKb.js","sha256-wIYpzt5BVRoybuIPGbn8+dEs9/EfIjAs+8o3OL8vywk="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-D5gkpSBH.js","sha256-+cSE85mUY6YMchbICR6MdKAIQWdpEHByMjADjc5Gpw8="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/moderation-page-D6MudwGd.js","sha256-qe7LwY3N95837L8Y5X+G4+1P960fy8QdT9bH1fVegAA="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-L1Tql4LL.js","sha256-dPy5wXy2KfZLBbV+qXvGb+g8x58lmZJ3ybna8lmoAgg="],["/assets/new-group-E3oX4jjP.js","sha256-nEVFCmSYJnbphzpEDfowc0AmXHDuj7HUF/GWB5enzCQ="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-DBPEsUnq.js","sha256-ME6v48bRnb1OpFE/KFVOx3/p7BEVFEPt1u5vqw41AH4="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-CzSsmYFm.js","sha256-SUb9pEEPKozEVvOCpjRX9PxWyP5V8hE6tKSNKWjxe08="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-CwKLKJJr.js","sha256-kdwU4jP93As7OKQToi7y44TJWkuGI112P6hdyEi42OQ="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-CuTPM-8g.js","sha256-ROgvbGFj3YYfCqx5z0eGotjQ7tiQOFnbikt68twI+1c="],["/assets/pins-panel-BosiyyY5.js","sha256-YMHY12A1Mnq0z18O+gP0+ZoFw1AhkM7TSQVtuqEMln8="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-CBTnmDaC.js","sha256-ehoJbME8rnPPhq0EiH/J9zwFhwd39lIQFA1ORMMKj9w="],["/assets/requests-O1zn04Sq.js","sha256-Yak4o/ev4NlpPWqDnSQiaOzCEl0enjSMC0dGbJ56xnc="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-CX2PZFH1.js","sha256-bLngYGGOsgeBYOHk7O6BMluVfTUyuaPguFGUNVUd1NE="],["/assets/search-CB-1gHpQ.js","sha256-yM6EIqFRdvLjdlSOokGNE5jFbn+RCH5ok5QvA1MdIuo="],["/assets/search-panel-B9TUtJjg.js","sha256-36xBtyoFs2hmjeD4MJYtxDFNyUR4RdiUVddjL/nZRXE="],["/assets/search-results-IxUsF3Cd.js","sha256-v9pfBEy5ZPAUKuNAxOo/23J/llKL5Bv9HtNE7VwGggw="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/settings-page-FRLd4xyf.js","sha256-eXQ6NKKawTHjgNf9wkNlrg3vclUfehYHn+lUdUTLAjU="],["/assets/shortcut-list-B1MRma0F.js","sha256-WDnRkkRJWcCSKG+Kdsdz9eNvJVbe0VO9KZ2pa3yHZEM="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcuts-dialog-CpPPxvPq.js","sha256-tynR6DuRaWRLd3FBQvyfyE8k6aKbftVV0OvsOp6lDbA="],["/assets/sign-out-dialog-CFW2R_3h.js","sha256-8Uh7blqxcXgqrIhxpS9BaSQ5oXt5J6yCuZt6c8HSkWc="],["/assets/starred-B4Mye-yA.js","sha256-wZ9YUlhnHlLrROT4LUYCKXILRvV6V21YT7XPuLKfnzU="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-9dSL80JA.js","sha256-KwXM9YW/kVsjYbDZ2/MOREV5uAPjE8a1r6aP7fwyQZU="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-BHtcH2Ae.js","sha256-lENFh9ZRRlLsGdH96BrI3lvX/I3NDQcMmhj0Ez60stY="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
const scope = self;
const PREFIX = "parlor-";
const CACHE = PREFIX + VERSION;
const CONFIG = "/web-config.json";
const kept = new Set(FILES.map(([path]) => path));
/** Fetches the whole version. One file of another version is enough to fail, and to be tried again later. */
async function install() {
	const cache = await caches.open(CACHE);
	// Files with a hash in their name may come out of the browser's own cache; the page must not.
	await cache.addAll(FILES.map(([path, integrity]) => {
		return new Request(path, {
			integrity,
			cache: path.startsWith("/assets/") ? "default" : "reload"
		});
	}));
	// Without it nobody knows how to sign in, but whoever is signed in needs it not.
	await cache.add(new Request(CONFIG, { cache: "reload" })).catch(() => {});
}
async function activate() {
	const names = await caches.keys();
	await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
	await scope.clients.claim();
}
async function fromCache(path, request) {
	const cache = await caches.open(CACHE);
	return await cache.match(path) ?? fetch(request);
}
/** The server's answer, or its last one. */
async function configuration(request) {
	const cache = await caches.open(CACHE);
	try {
		const response = await fetch(request);
		if (response.ok) await cache.put(CONFIG, response.clone());
		return response;
	} catch (error) {
		const last = await cache.match(CONFIG);
		if (last === undefined) throw error;
		return last;
	}
}
/** Shows a conversation: in a page that is there, or a new one. */
async function show(hash) {
	const pages = await scope.clients.matchAll({
		type: "window",
		includeUncontrolled: true
	});
	const page = pages.find(({ focused }) => focused) ?? pages[0];
	if (page === undefined) {
		await scope.clients.openWindow(`/${hash}`);
		return;
	}
	page.postMessage({
		type: "open",
		hash
	});
	await page.focus();
}
scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
	const { request } = event;
	const { origin, pathname } = new URL(request.url);
	if (request.method !== "GET" || origin !== scope.location.origin) return;
	if (pathname === CONFIG) event.respondWith(configuration(request));
	else if (kept.has(pathname)) event.respondWith(fromCache(pathname, request));
});
scope.addEventListener("message", (event) => {
	if (event.data?.type === "take over") void scope.skipWaiting();
});
scope.addEventListener("notificationclick", (event) => {
	event.notification.close();
	const hash = event.notification.data?.hash;
	if (typeof hash === "string" && hash.startsWith("#/")) event.waitUntil(show(hash));
});
