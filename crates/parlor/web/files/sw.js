const VERSION = "f161aabe39bb684c";
const FILES = [["/","sha256-BqIG0B130r3OP8d7qpf3yX6EZ0oIFp+CG91SRxkKmtk="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-iPXH57v2.js","sha256-5hoZ/BMi+3lBjIbXlhfLimzeOGgGPFDUre9i7D9XvY4="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-B_yO7ru8.js","sha256-qx+iI2Po4j+0Yq/Dyc3nbqKe9KPWb7J8pzAwu4+dHSw="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/choice-CF_3hHNQ.js","sha256-fJtMgA6Kmto+p46dh0M/GJG+iuWB0F/VkfZO1xZMvzs="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-D3qKJ0Q0.js","sha256-1BJPksuqaPDf4cLPqf/o/75h/K4hNnLMh1z/EiQLwMw="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-C0Gl-Udd.js","sha256-LULUuu1YQctzsqyR/APZqjdqje5NXVr7biSZ1lBYCLs="],["/assets/conversation-view-C1zyBvJ0.js","sha256-wIcSZekHukSlvtjmHSBeTUXgTevST9CMaYVdV3JzUts="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/copy-B_qO2M99.js","sha256-/1xqksisp0M+ZlC6hBM0ktzPRqLdUBE8O22aKpbNVMI="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-DJaWhGu1.js","sha256-cY8OCAcJRbtwUn/5a40OW92bEU7hj3QmGDf+WvmRWtA="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-CMbdA4mT.js","sha256-QzVEp7LlNbfDm0aVYbF2UG7ufXAuXQxwNUG+FDu5Dis="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-0uUzpSn5.js","sha256-hje8WGV5i4XIyDO5lbS4zgg1B2CVPV4TiKSnmqs13ZI="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-B-hEIBAi.js","sha256-kBB7MfB3/5FKRYtcQ6ih8MgUz2E+JvqL9mN0mhqoNT0="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-DYEQIxHe.js","sha256-tQyO/GjnZb72KOJ9OirfzmYNo31fjJoRuynu+lQE+vg="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-Bd2b40Bf.js","sha256-PhB5IRjOOSBsf5BS7WlEawyK8aSKuruDhwvFPyAeFDo="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-B-qB_wcO.js","sha256-urJuqGmf4FP435pQU6XDkEOoUp6Hyc0GiJBkit3e8wM="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-GE3aYMTT.js","sha256-2CuRJnt+5T/7fgCT68fN6H7vGwdQg4Dk0ORUi0dPzlo="],["/assets/moderation-page-B4fB1zrp.js","sha256-tdG2Uuoctkc4poyF1Smgz3T9Sj+TZv+mKU/GJCrnLBo="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-sOeFiuaS.js","sha256-vm57LGB+21zck/YviWA9hoLeGqwnCEXEIQ01jOs8/j8="],["/assets/new-group-7tMQCgP2.js","sha256-D5AIamI5FRZA+//rbciR/vWxvUnXe2alEMjNhmBDvek="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-Do5SVJca.js","sha256-SrAf57IY9IKniwh9qc8PdM70DfwCu0/u11x4YfHYS04="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-3GEQ5LQR.js","sha256-Oc3M4Xq+d6GElo1tAlBu/WSAQxC4YkMmpxnvKYPLOG0="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-DJve5DsC.js","sha256-bu8M0FeOL60HoOigPvfay2SkMdhm47w5LwSZH73LrT0="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-B2mTx37w.js","sha256-6LEHXZX4zXw785oVMB5/hEVmZ7T7GhvAH5i15BvXpMI="],["/assets/pins-panel-FYep8gW9.js","sha256-kAmdlIjtBrG3tSKEqlhOv+wnyu3s981BWb3sYogt/Gk="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-BfWbzy7X.js","sha256-y5bKRP5XnIOzFKSAgE2pB9iWN4z01TFWs6eRYQKNWZ0="],["/assets/requests-BNOVmwdJ.js","sha256-Xo+rJ7U2gVJWAIa5I/qfse0XfnwbRoG+dRkcgaJrmIw="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-DsYdKWLO.js","sha256-cio4sF24dW5bf0CIBMp6loTi1K1a6kpEQ8tT5rsvhgk="],["/assets/search-BRU_Njpm.js","sha256-cZMHVuTIVXE3W0q5cN4rayfq+YEVr1dnym9jdcdop5s="],["/assets/search-panel-neXlMdMk.js","sha256-kyQ5AHZQI3Dy7F4Y6uByCYtDXeMCTQu20nSvkTw7Yco="],["/assets/search-results-Bg4NLmkI.js","sha256-+f9Y81fgFkiP9+6ksrCzGIob0yNVcNnyh5dLyMG/YNw="],["/assets/settings-page-Ba_Zqodc.js","sha256-kmw+4cxmpd90SpSSatffiHOIcsXYANoQS60WxlM6Gk0="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-D-v_JX-u.js","sha256-EnBUgYbr/6bwH0q0lHkfTghmBL4LFjZmRcjCu5Qjxxs="],["/assets/shortcuts-dialog-ChUfwISt.js","sha256-qEtfVDzTjryuOtDcO0jJqsJewCr/wmCEFNln0cp+eHE="],["/assets/sign-out-dialog-C4KSwtO_.js","sha256-Q612v0/xJRft3GbRB3iuV1Mb4OiK7aoNW/oZxvFkV/Q="],["/assets/starred-BObEnJ-T.js","sha256-5ghPRFZQQ9uLqBNt9PhRHOudrnX7+WV3xaiwBShEVBQ="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-UJw29fU_.js","sha256-fsdR+5YmKgCrydKIphz5ODK+xLxIGAYFQFJ+ktX9D6s="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-yDe_RGPm.js","sha256-WzRyckSoid8ZlXKha/FSnKwXxsACYIX0b/GYQm77ysE="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
