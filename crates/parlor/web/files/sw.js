const VERSION = "19465885334874ae";
const FILES = [["/","sha256-p1DEDX8SDm5+imM4i3hrDSnuZzbhKMAQ+0tXV/0Cp8A="],["/assets/access-rows-Bd4iI1jD.js","sha256-KoZVG3Wybq9U70kwaC691j58GJpMaF0nLyc5xRF762o="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-D-Ql32nS.js","sha256-nfzo1bIEIFhl0omy2UbA/FfiwXKe9fgbkHpPg/5X7bo="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-B7ew1Ufj.js","sha256-rJDh9n4Aoex3tCFhy+0YVGOHj96/+Dm7XqpK4nFxn68="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-8H4gtvNJ.js","sha256-0WH6AOev8ecT8vWd3uNl9gO4Cpb0bS20n4Rmis19wEA="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-iE0zGPYf.js","sha256-lSz9tuEAYR9jp6SUZvKujN02iv1+Kc05kQ2TX1Ct9+o="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/conversation-view-clr9sskz.js","sha256-zzy86/ekNvHiXEEsDWYOY53wDGl2YCnv7mPZN+ptkfE="],["/assets/copy-4zoCzGIG.js","sha256-xGSInv/taKca+tnM4WPa+01FmYdXtzuQBd0sf5rp0d8="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-DSWlCj6v.js","sha256-vs62F7Xtfxmh2uSwF8eEYCg1J6hpVzTLMBlCLL6PEIY="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-Cr4a6FjD.js","sha256-okA5jFuu+26EKPQVupd5obNJ3xRqHMYYps4z63ZQArw="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-BCpWmG6o.js","sha256-84n17pLFRd4MAel9lhUCH+xN96+m7CppNITWos7nTg4="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-KhYS0IqA.js","sha256-HYkDfclPsX6hEGbxsE/oRlqiqmEIaefSvp3Ji3ZaeNw="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-BsIkk2F7.js","sha256-serJf7YcDU6UBbIB/nH3xkuEFcQIbQYqraK7auSQXbg="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-DDwdzGfx.js","sha256-N5heynQE25gq6uuxjsV+PjbfOeKlqBOnryKRKOS9kQs="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-DJ-F4lyq.js","sha256-0gl3gB+zxX81UC4VKmBP+zQZqfgErQWgKx1eqLHRs1s="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-4cXocemV.js","sha256-EXXnmL4XgMorEdjS+NahZCTjiezVa/O+/b7b/S3Q49M="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/moderation-page-4U4xXIsU.js","sha256-iyQ16pfXwZg0H3s1TVJuGBd1AB9DfnNjFLoJGmDrHz0="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-SVAeNX8N.js","sha256-i49hM0LEn5KdmF6U4aeBP/b0tGdPIx7fAJTPDOHCOIM="],["/assets/new-group-IlwyMD_F.js","sha256-VWaElIk683KgfY8H+KeDVHEMqGCuHiLqh+BhJyUpJ+Q="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-CfpbSd1E.js","sha256-Zty0l0zTbehuA1Bio1Zt4P7CLxBTO5lcgKQWZhCau54="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-HNmwCWG7.js","sha256-uFyIoYHg2O21olGqCe7CzRGktrnsLT5nbLMlYiWEYHI="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-BS0goLeV.js","sha256-GCyfgSYl4ycF6+AQh8rpEH9L1z9+INi2gMAUJt9Ar/k="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-CfEHlxmM.js","sha256-ev+6Oi77ww2vhwWuaphTJkDNpR3e+s16YJoM7baXW/w="],["/assets/pins-panel-B_9huuBD.js","sha256-o9qu7yq0PB+exnI4i+5qpfV9zOSnaoMZ725GT2LEn6w="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-CJzpJpbz.js","sha256-74WfzxM/RxmEVnq5Hgk9dK8r3wJXnPcCBpVhuqYf5As="],["/assets/requests-1hazhNoi.js","sha256-4TO8IgZbCQ9ITXRSh7LiPWV3I1xR8A4KQZjLlaUNLWg="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-BF9_Q8Jr.js","sha256-D2/BL4Vf4RsR2vScaqDhyRfQGeYEb9aS74W7D8oCz6k="],["/assets/search-panel-lRrVv99v.js","sha256-k2bhOW2J/4lFiDQPSk0HQu5CmJjylZ3+jAoXXIvx8uY="],["/assets/search-results-jj48QJya.js","sha256-BJxjG2d1nL2GsqeeH2eVXKt8IAXFc5JP6iOBQFgwobg="],["/assets/search-zy5M4-u6.js","sha256-1oXlU+Sws6Bk+ty6fLT8c3ijLTbzIr8VREuj0FCc5lM="],["/assets/settings-page-BApBG6qp.js","sha256-6byXpKh+C8RrimY+PeV4VUZ6Vmr3usR6Dt2FrGhRIo0="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-C8DY1xc_.js","sha256-sESeIOWY5O0t1uq8d23hCqIXelVy0UZMleq3i/PKcy0="],["/assets/shortcuts-dialog-CEKVrQVq.js","sha256-9ciIcM722juEVZU0/3vLQj91ZN1uCzkwLH11f0td3pk="],["/assets/sign-out-dialog-sJCRsW-8.js","sha256-7QGdKIqfAYLykbcUakLBotCNLpFet6rewzirDale2zc="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-DxnAhB0B.js","sha256-lsTpRYpIZX1cVU6+/bpRUUiTzX9t6GDhbUkOyZrWGoQ="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-DUlHEhAk.js","sha256-LXB5J1IwH4/ig/Eb1k/uFy9j/DwkdDvsq0zvgSwyvnw="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-DqVk9Ru0.js","sha256-ZUdU+/cP13qeVqMhr4mInIkluSdxfbtI9Vk/xXkTcuI="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
