const VERSION = "b22333afd9536048";
const FILES = [["/","sha256-S5ZcgY7hYq/M9OLTOgiUUxeP68b/gwzxdqi8zSHSACw="],["/assets/access-rows-8KRwDMyR.js","sha256-4nIzgeqKfZL6JPyUj/B2h/ScFtbI8Qze0wG+/dJiIAE="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-BPvt0fXZ.js","sha256-xrpdRpyVLxg9mdNvXCgMDJ91QdMLbk7gIAVGzL38cyw="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-96PSjAKR.js","sha256-030aBXR8Owg3LYvug3n9iPMh+Xuc1zaxikqhov0BwMY="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-DBiAz0Vj.js","sha256-B2zCsOEVAsQgZnolifWH0IMsZMPFhCYQCgzSykBMvzo="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-vRkvlG1N.js","sha256-23J1+THBEP3R6qK4AVDtNDf8NqFDrKOcuArQ/Fa4i/c="],["/assets/conversation-view-Djb7yK1G.js","sha256-dRr0siRvhpJESQlBTKMVqRE7H+rTcOtWhFhnNOv39vU="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/copy-DMRLgLyv.js","sha256-GjhVw/4Dd8TLO7GxunjKIZVafA8UHf3d6VTR2cZeeRo="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/dialogs-kFcRkdxi.js","sha256-WlAKeRhFCxnwbPHiypjyE8MFl6CetJvHQ7MQjIN4PQc="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-CVRFCGWe.js","sha256-0U8kjVcLNZiT0teHSOKbNMep1KUvRQXrDubLEKSjSSI="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-DguelrgL.js","sha256-mAX6slUl8To/zCZdoJO130OaiDRSjawy8l/Xr+t8UUw="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-Bd3oUBq-.js","sha256-Ro4wc1iYpzSVlHRGMebDNod9Sahg0kgo5y8x5JwpTCk="],["/assets/index-B5ovlvZW.js","sha256-iVipVmY2YIIFpoms8lkk6K63gzHnEC/UIpRxMYl6sjE="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-WT0fVOx0.js","sha256-Why+RNI26zltXY2Rud3YvkGXM42nDaUWMhfzPXOLXLI="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-D8y7xaWA.js","sha256-iFuQPrOvIgMF57r6iQSdkwAU+wI5B0ChPehb+/vRyaE="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-DHjmo5_L.js","sha256-3A8Ub6XbkycDoMXmc1zMzXtIsY6OEqQ5T0Ye9FdUWE0="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/moderation-page-wMD8pgEV.js","sha256-m1cASK6fd7JDtjmvtSjYACq6l+4Lhf1FI5Tjo8tlYvc="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-iVq45Gqz.js","sha256-Kpm5rTYQZ+1CqZpC+zDiO46szDUvPLFy3Tit97bs8/M="],["/assets/new-group-709xQobK.js","sha256-D3rG94PdOv20n2c4mAgPt2J3a9tIo0lKIOaBeBMk4q4="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-viaVKkLb.js","sha256-K5VMCeKd1FFewJVKfiCE3Qz5u/HMqqZhlD+7l/gAQGk="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-D97xuPe2.js","sha256-gruuM0WQGqW/SHIC/9gwQnElPfssbLo1EDAXbyBmm10="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-D0P36QQf.js","sha256-NSO5sNeocN1IeTHEBERspyDHpJyKgzr/lkYd8tfKJB4="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-ByDM23r8.js","sha256-aV3Da+vKEyyTYRmPYBl+ardjfcXOK6U2pz8KOVmZbAA="],["/assets/pins-panel-P3FpaRZ9.js","sha256-Dig/+9JtOQRmttjPO9mdZp/W8/WiPo/KGG0TM9LL+3U="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-B-7lXuih.js","sha256-T2mKC28wX6s5zxcKLFps2lDcUwDVXcjI0e3WG1a2b98="],["/assets/requests-CCEzHLyE.js","sha256-YooPaQpf0RjYC4agjDnkyCVjGnHoM/8bzbu1CePLw3E="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-Dw5WJtxl.js","sha256-2DrKlqu/bri/8Mv60q/m8DgwruO9zu4FFf5D6+jRln4="],["/assets/search-DUZ91JFT.js","sha256-S8sS7I0Ds1/BOnwCz1qrf52fDsu9GJo/V24Ig82gUI0="],["/assets/search-panel-6PjwhUhk.js","sha256-CLwiBn7g1XGwOWFAcao7P4Rjg9RSgkM2kZQPfFwsXq8="],["/assets/search-results-BhD2yURZ.js","sha256-wqV3jkh5h3Zoctu4IQ1sJ1/EMDY2NQhm2UJiP0+IhU0="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/settings-page-TmzBFWEt.js","sha256-5tVUneVeeBsTtGtelD4GRuPeUs/j0xv3SODFKsnKs+A="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-CKx4jZqF.js","sha256-ZuO6bd9K3kU0O8PoAs45HZmbTnkqQ9Bwlbpge2gjUfE="],["/assets/shortcuts-dialog-Bla4OG29.js","sha256-BUxqhEOToycDp3bCh/PbkZpnMIl2SdeNnG4jTJ+VV/o="],["/assets/sign-out-dialog-DMDVrZjK.js","sha256-7S62WM8bMKKICbkdsbDSMjosoTT75rEOuLj0/dYPhsc="],["/assets/starred-BSWW07BL.js","sha256-lh+xtfHA3gq9brPQ8hlP1ibw5zpi6XjbLj0I4PHt5Go="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-9vbH0PUM.js","sha256-oQkSl5p1tEznzWKdux40ZfbzcMgAcu2kcRSy8sMJSP4="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-C07Xl_S3.js","sha256-x/ZfrU77hF/aiMyC5u2XP8dPJ9mDYxHU2xFM5kcW5fo="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
