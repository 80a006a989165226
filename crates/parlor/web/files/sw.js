const VERSION = "4492faf00b4f0ed3";
const FILES = [["/","sha256-EVguavct7Q+EG8fCwQG7TyyX10C8K3jAQ+BFO5FRxbQ="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-DeRiGQ1l.js","sha256-YSU13QLZ1AYVkfMTUhuaszQgiosb928c8BI1taH9LAk="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-BQMKftUt.js","sha256-pEkIx+J8WpBWYi+y8WruAi0shf5IxRo1iae//RKmV68="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-D2nVTSWr.js","sha256-XmepxwUy0Z7TlrQ38PVAHnEJBzzepZV9YZMkeOg1sas="],["/assets/background-j4vh4LPb.js","sha256-amS3UcQFdyI3rWFiOL3phle+fusxauAXX2wyhJFJkNs="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-CN0Rj61N.js","sha256-wQaWEZyrqygMhRzmFnhEYuFx0vPIr3FlJPCU42sreh0="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/choice-DtjV5WEt.js","sha256-hIiGAgCJm1aNS/85lN1jjwjSUxkDP2nsLYcQpXVZHuY="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-BeFt-j0f.js","sha256-IrU/eCRICgo/cWEh9USxrx5aMsBhoXbZl9cH55Mei50="],["/assets/context-BpvcSYO9.js","sha256-3XQBolaIEtDGEMJzFM+nl5igtD5nbGN9recl7UKq4Yg="],["/assets/conversation-rows-TwK1WSjx.js","sha256-NInUIVq9uuLv0Rr/VFdKpSXlnI6WtFf+L+Dj4ExDiaI="],["/assets/conversation-view-D1v2UcJs.js","sha256-d7vMuc/SSXM/rhpvNgmjGAMmUCYsRlph/QTi4w8HVAw="],["/assets/conversation-view-_Auj4YbO.css","sha256-PsN8q0sh7cZJCk0oNIUceld6SYXMVO74pn0YwjAgd0Y="],["/assets/copy-B2GgE2pF.js","sha256-evehWgg1zjPebd7LCRoAlNpRlUvA8Xfdga4vVe/jIck="],["/assets/copy-Bx3dAjpR.js","sha256-DqDz0UjNpe8r0mjhw6ss4Qe4t4kVzhjzIJNtSAjQFfg="],["/assets/createLucideIcon-DmE9J1rv.js","sha256-+WY4XPytGxyc+Hrfrd9kHaUUokYYrUgBYwtvDRt9Kjw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-B6xRbuBi.js","sha256-pzvSRwwsnYK/UHbHN6MvHPttnEgd8lAo971KsgraS4g="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/durations-i5EagoEp.js","sha256-93fc/uqvc2ENxVYwwriHAQvknL6+5fx0JlmjO9tBswE="],["/assets/emoji-picker-DYbXBAxL.js","sha256-Fq4njhR05oJD/FisTmg9qzTXnlmRCdhUcc5rJEX2uK8="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-Bi9kn8LF.js","sha256-9J1EV1EWyhBU/apAE9LUL5ZTp7AAjApGDT4lQiZsKbo="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-zNf6duBM.js","sha256-nXlVKs+/irQJwD2I4FNyA9IInIi7TuZJ4A+xrxaTZF8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-CUwK3iN-.js","sha256-pfs9zHwhQMEf3rVfKpBgIn4CXqcE34wBBkgywV/9mik="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-CK7BgQkd.js","sha256-qHMojhj7lIJz6A2Mbr9StbqKaiI+hY5vVjlQ5qh1BTw="],["/assets/info-CWOUrpFb.js","sha256-6yvEz7KCZoIOxaA7i3D+dnQaPjU72f2ZVAWrQvSJK1s="],["/assets/join-C0_6AghI.js","sha256-YzbHqjdmkzFm8JXRqclo6D5tXf/YsY0GXxiLOr+yb6Q="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-DB_8-rUA.js","sha256-RAyGqF0/EHkxOPk8hrg3rWNhAqoM8yECU+oWzymZIG4="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-CePCXTrK.js","sha256-P06MvDiQkNm6wNubzQrZrMkMj0dwYuYQxT7YS72YHxw="],["/assets/moderation-page-9yAqXSpo.js","sha256-lAJbxWAx4McDELXQVti5kVQFf8LAOKsQzHQtsXjp5kA="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/more-Bo_Lhpt0.js","sha256-pcS7AhDe+b293LQTGwM2+DWP9qHZ5GQ3Ns1qd66NexU="],["/assets/more-BzKLrMC6.js","sha256-i3UqNMTG07yK7L2LTH+aQw3CWjaBc3L5noO5iw+jzgI="],["/assets/more-xhEjiSlD.js","sha256-t17J+g4uDfiCI2HBbID9ajXKg/Yi8MSf7ZWytwgd2K0="],["/assets/new-conversation-D_vunw_8.js","sha256-rQ+WkaT6IuWjohnxb5PaFBQQcLDa8cxS0lt92fFGiHE="],["/assets/new-group-CoKRefCs.js","sha256-8H8wZuH1nkExgWJRO/91Auq6HjNhEmcvAa4T6rwiFk4="],["/assets/own-Y2E_8P4o.js","sha256-V03c4+Cndev/bmJzKK3n3rBRIVuV12R7rJXNEbejHzU="],["/assets/page-C5rguSsL.js","sha256-UxzrocB9o7itgb+dCcDTG0MGoxP1boWAvLVgNin25s8="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-D0vNq5U4.js","sha256-/k4N/fnrn/+0U5ZAr3GSBrCej/m5zQIjghkHVnBBKQg="],["/assets/panel-message-DpHxfZtn.js","sha256-vnvQBc3C7Qn3cc0DPv3eeJUVn2WEppDWiBIlA7O7mQs="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-Cug9GwRm.js","sha256-j7rL2Ry9TGlyhmNjux9nH1hCl7aJL36NAzImY6W19Bg="],["/assets/person-info-CKOWsyd1.js","sha256-jxA1Zxl7HgeiPomegGr5eY5d2SHoNGsW7M2rjk16bXg="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-C1KlsPRV.js","sha256-stc4vwK1SCo/CVUXKUG3OrbIOgS/q8POY9cvj/ZsC24="],["/assets/pins-panel-BOxpD9t1.js","sha256-rwNCrvWHC5BK+MGshu6Dp04M/Z0Wg9aQz9Z0hr7us+U="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BNwN9eoi.js","sha256-9Tk7STa41J0/QdP0M3db2T/gjsmAx4PhD8VFAAHnN6Q="],["/assets/reading-mEnGviej.js","sha256-mXoZfIhEaESE3/OFTv35iP2ZDOqB/er6CiFp0+Agpzs="],["/assets/receipts-panel-BXioNfJg.js","sha256-XSyf7BuesbibEyV93666dl+fGKgvT8rpknlHZIEF9nU="],["/assets/requests-_WcK7_aY.js","sha256-GrnnR22KGxhIN+4tGjMxAoIaC0GFtKWwwrQj8WR4Q40="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-BSAELOyI.js","sha256-MVgvLQReFfeBU5jlDq+2lSw89HHsC3/9HGqXBT1TImU="],["/assets/search-DrPLxBUS.js","sha256-ygqGLcF7QtcG7Nj7jcstg89/LqFttY7MV2tDJLNXypY="],["/assets/search-panel-CoqhFW88.js","sha256-flkx3Gnr0RANYpWGeLQ+7z6qQawACqDIlAbEfkJa1vw="],["/assets/search-results-CuWp4UHC.js","sha256-hWwWQWH3oqm2djQEsQDdSU8QU/5BFaPlHZyvIrUnDaE="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/settings-page-WKgljnNn.js","sha256-c3ISWXeKJ8S4D5T9GbbeP/EGcrjMz0TZHTW7xHMYpjo="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-CiXcAAdG.js","sha256-L8I5X49kIHNwPsxv2pxbh1EPZ25y37himQvPKhfJDPY="],["/assets/shortcuts-dialog-5ee8vgpn.js","sha256-5bqRWYkfpW9pvidtIoXcIFReIpt9lHOopaKU3NkuWw4="],["/assets/sign-out-dialog-CnhJMdF4.js","sha256-/r++5d3L6Vs5eReTwSNVVkbMHPIYH1tX9HfJnblM7gc="],["/assets/starred-BBo7dXJb.js","sha256-sjFDPD4DXs2rvVLs1gKW9OKSjapiWVqgWGNq+ByMdCQ="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/text-BNn5FU7a.js","sha256-+PBfPeoAP6Rg83CzGrKd7RYvG8H+ei7rDjL3dKHryfU="],["/assets/text-BwyBndk1.js","sha256-cqN71e/nLYVnORwK+im4fbzkK6tES7EuBswlEKeTEN4="],["/assets/thread-panel-CzRAD9Yo.js","sha256-x+Xes48D0fRaEaHxGM4XTzuzLxN5QRcnxIA6JI2dUrQ="],["/assets/timer-BI8NZwEK.js","sha256-SM7f6cVm7QzLq+ongQU68wzWO3AyAZT2z7oy0fZQF20="],["/assets/times-C6a-L-G5.js","sha256-O/w9+H6Ym/7HRKcOzDLXDgthU5T66vCcU3DWU8GYL4k="],["/assets/trash-CnCt94KV.js","sha256-HiINXRPT3bJfwnwktqNwHj5iCh+4AxLW1SgJvAvKjTk="],["/assets/user-minus-BFsK9JUd.js","sha256-2DLPQmK8ypIiKiTcxh/HsXrnLRhjtxNvqvMwANYaiUg="],["/assets/user-round-CgFNnV3-.js","sha256-p1KwKUBARG6E68hwHPjRaKYyJQjP/ZLru+R2WOMQOZI="],["/assets/words-Bfc8RpHI.js","sha256-dkzpvfkTT+LGUmK0ZX4oa3oqVHtsU/Hj2utTRlzFX94="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
