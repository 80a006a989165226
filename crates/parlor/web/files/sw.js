const VERSION = "8c6b8d8d340aea31";
const FILES = [["/","sha256-UdPJf2QJ9cgAiAv3J/CNvV2vQrqcOucnMe6ytcWUEF8="],["/assets/access-rows-BDA4NehR.js","sha256-mOCKXEV7FwTYeBgpJsBqidaZw4DXsZjmaFzwoZzD/4Y="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-C1ykXX7j.js","sha256-WTpt/V+ZITWKQcfzXnAbkZm1G7VnF95n30R3yuYLukw="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/choice-Cvt8vIUb.js","sha256-Y/S4sQe+zMLNCWrrXrECsg+U0cU6s7lLSBFChBdiSYg="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-EcXzUGK-.js","sha256-3/MM2OYHavktffGnJ70z/qr7rxWdEjQDWTWS9+e2XGY="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-BcaDBwF6.js","sha256-3oi+KxcKaRwZRkabO5y6rYEgKbHGeiFMydsBklaFIQQ="],["/assets/conversation-view-CSVIe6A9.js","sha256-91o/Rphb3lGjJuduHOazx4GC4RvczLvdc+GeR7mExtw="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/copy-C0M1SaoG.js","sha256-IEvZf8Oj5sXBA+QhXSwHhaFx/7IgmjyMawkCUPIKhKg="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-B9LpZkiE.js","sha256-BKy4ma9RxLc8vWt5HRwbSQOaf90q78L0re/lH1E73OI="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-CkvP8wfj.js","sha256-vlGJ7/ZNkKvN1NmMk7rj2duy2Ju424HDq1u1numlqSY="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-DueC4Pfs.js","sha256-SQLDa3X2P8yGK8vScPh+CTCK6pCihid6UA/7RYcV0TA="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-3hP--PQQ.js","sha256-IuXcq5jsY219/KznhFPIKa0vtmxjVmi64o39twqB23c="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-C4I5953j.js","sha256-tjbLEk8P7wc2hpb8Se1SidHJHrTYQQiZdNDK81G7L0I="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-Z_Ew7P-e.js","sha256-3wo3i7L9iChIhZUgFCBHALWNFnCIijHFa9fYDsjlaDw="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-D6_waGOn.js","sha256-A/gtyFTw2Y7OK/xTqPbATtiEtlnCVDQnUz/EI1icoGk="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-DcWsG0As.js","sha256-bFe4WKE+XtF4GgsWmVFJx5Sg44fXCuOE2JMDvLUE8Ws="],["/assets/moderation-page-BUd6FkJK.js","sha256-e0wPCf2VzVdlKeAcICHRD6LOKLlnQmYnKeZP0sF/d9k="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-ySpa31vp.js","sha256-od0opQ98DTUIZx92KKXsIZWlNsfk8C6gzwLZwzaCcO0="],["/assets/new-group-DznVghEh.js","sha256-05WK1vJgsfkP07d7jXoORlBHOKXi1DVH6r5qOFSF+TE="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-DGS04YVR.js","sha256-iuW13t3DEOmhPopOt7K8uYEgb3t/zMez6coufqdR9Yw="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-DPqORjby.js","sha256-48h5y3It3Jiqri2AMRbBuL05cl9At8pLRYCsCOEyCgw="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-DqnIW-CW.js","sha256-Z9ma08JIT24l/1L+QSad6m3GNca7pqz9OwFXs02Lshc="],["/assets/person-picker--_JUX_FS.js","sha256-9YqyLUedpzG2+s5xFOl7M0w/nRL3KmYJmJ4Jys9BKAI="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/pins-panel-DJkHATPc.js","sha256-VYRRiHKyqGOUSbFrtaItIOQuvZWTvxpXJ4CRBaNO/fA="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-CAvNKDrI.js","sha256-n4AFIGhAVKu18OHdeSzDAGLzTEuARN1/tlzwEJM9Lxo="],["/assets/requests-D2ZUbzdL.js","sha256-kUbFrh5pEfjHklz2akuj2lT21AgQAymZrOk0wj7OvZQ="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-BEPMKRGy.js","sha256-FvAj4wIWvoFHSTiS3WrORSPuffs9B/ptQeMy//TQ+LA="],["/assets/search-GYhIgR66.js","sha256-PSrFyyA2UW1PmOkpEHQa00c+F/PRvRmhIaa6VpHkaEM="],["/assets/search-panel-DxlBtZIU.js","sha256-NXlI1bvl07VM2oMWwGAwCm3iWpkMqd3oW1ZHYtcddYI="],["/assets/search-results-BOBiLfU-.js","sha256-DgIFtUiAWEOoMU/6YCyh71eF7H/+G4D0gXQUtW+y06I="],["/assets/settings-page-Cil6aOI9.js","sha256-OOFM4HlJCmvh6/79N5CgN/1csyQcTjj1oMVOUY/2/6w="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-Cs4ZvOFK.js","sha256-QXekKzIFH5QBQA8iPG7C3QSXn1yP9nDg5HLOSe4Oqos="],["/assets/shortcuts-dialog-BwoC2QsN.js","sha256-dIuNB9JpH3/PJVqoo10jaOnB3ullC//eTyGtMg3Odfg="],["/assets/sign-out-dialog-BC9uA2gT.js","sha256-qv7j03Ty/MHUb1U0nOWpI9MIkP83nUth782TptXh7i4="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-DyR6yFSh.js","sha256-qJ7p9w49gecBGxtC1CixeWds8azKAvtrTpcIpkMYwtE="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-DwLholx0.js","sha256-74F1TRevnx2afXVK68bRaraEUeeO7w2VTXADI6bL3zc="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-CNszMbv1.js","sha256-7tNAlTVgwk667a0jxqJlWJEG1mipM39x8RpUdRwGJGk="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
