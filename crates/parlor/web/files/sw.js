const VERSION = "38806d02fb22b752";
const FILES = [["/","sha256-t9lH3JFdCaF2wr7oPjFI4Qw2fs8cb3k9Jfz39xy2oPs="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-C1r_QsIc.js","sha256-kg9Jbk4/jA2jh5nAx2E2c8SJ3aGrGg7FkWiNe1yLWuI="],["/assets/ar-Dr6ZONLK.js","sha256-UQAUzy+HoYVpAVc44mS8KjRnZF6lbO5BZ+AKmbD918w="],["/assets/asked-ChImwqSl.js","sha256-sDDj9l3ptCQuqDe5qIcZvlBVXdlUbXyFN0jCsr0xGiQ="],["/assets/background-B_ue3t3f.js","sha256-4mk8r7MWoKXyX9Y3FBlRseTZEPX88vF277Zyf0KLIas="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-Rrva7y3J.js","sha256-0/fGn9gVzpSOBw3OiyzhSJOV8hDQ4u6Lz15FJhXt/rM="],["/assets/choice-Bx_8MWhB.css","sha256-/q8zgsW3V4ety8R8xE+HrYAWKikA+OAOFYdrRkibRcw="],["/assets/choice-Dj0tonhe.js","sha256-DIXYPmSGfBRMjMMaVO4egpcKVupNVCONU/kG4th4FcY="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-CxaTrWk8.js","sha256-f5GZauRx2Eer0O1oqFQ0X7wZfYMur3FJBthbAoSmtXw="],["/assets/conversation-rows-C1ErGcXs.js","sha256-IrF4igpnBEpg+lrtwjYZHDTE1a/aiiSUAyItR/n1ILw="],["/assets/conversation-view-BaZvnLKJ.css","sha256-8rQ6tSe++X3+RAt/KkkF+6fqHrEGYmHJFthEFpRltUw="],["/assets/conversation-view-BfAsuk4N.js","sha256-rFzJmEXctxBfhXErr3nrHL713ZQpkoBw8iQfK1euyB4="],["/assets/copy-BvyFl9ZM.js","sha256-UP4oGnkGDobMBaneEZuB26aWFjmJTuIOp6Bzq3IQQFw="],["/assets/copy-CrBe8Dfi.js","sha256-w6BY8Lc4W6KzNTx9ZwuavT6zecHnr7rlwZVSnRPM5NE="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-D2_08TrS.js","sha256-Hxzk6VXjNFyCucBRKSML12Dd+p8wzzU+5wJ831xaDm8="],["/assets/dialogs-B4h9EV_-.js","sha256-E+qL+1bqELbUpWoZ7Szqb4VRwYxxN2E1ETkY6ToT6nw="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/emoji-picker-BQvDfoAf.js","sha256-P5X9R5L4Q1LMC9TuUsIQRo9ZGRoGjWaAd4aZGJ0OJRc="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/flag-DobReqA3.js","sha256-yIo/Ilw0vqaoYcTUFaD5y3tOu+2/sNIJNbu3JhEVjUI="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-DTVP6NIs.js","sha256-Nr3dmQ8ZeOgtFnVgA4Fs1TfGCzp7V+jjPOOzY0zr/OY="],["/assets/group-info-LYmdVIlM.css","sha256-b+UE6dkP45Bxe6b2q2cRyXxKhLkeqje7wedmmxgvLno="],["/assets/index-BubR4EhN.css","sha256-lA/JD3Kao/iu04ZNiRJtoHALkmqm9riXWeGKutNwcE0="],["/assets/index-Cpv1cWj7.js","sha256-KeFwi43Km3SZeqi2eYK8YjfDTFpM+XVdPnI0I45xMiQ="],["/assets/info-RkWN0ojb.js","sha256-nA2/joK5/uGzAwJmu0I7Ecl99gMbb/flZKe+wJZAksI="],["/assets/join-Bs-on-DR.js","sha256-phXkpZnjAu/1iXHs31Mr3hTFI32F5OPpguNOyaeJiUk="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-ByzJKf6c.js","sha256-rO8qbGXhQoTQvtaDHpeZa/yNFHp9aN1n6W8xmjskX78="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/loaded-DaF-_nxL.js","sha256-IA7Gh83Gj9lYSMyDC/6bMp3sjBdHmCPG5pBJWUR8yRk="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-C_w5_7S-.js","sha256-kCjJ0JVyjem/qgX9A+aLm1a8G3x3lGYy9NBLpWJ/oAY="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/moderation-page-DRHro5dS.js","sha256-Jr50U5tsu18XEk7dwKZq3fGPk5BzRbkd4iY/c9IweNk="],["/assets/new-conversation-fdQBUlR4.js","sha256-coyEFDeU/OQXCA1sVjZA2iwJ88s23ypJxmcsTlJEK+Y="],["/assets/new-group-DXPcyr-4.js","sha256-tb731pSkFBPZRXIVZ8YFCtrtyd9NkNiPOi6294Qi3zI="],["/assets/page-B_U_g_jD.js","sha256-lAaKZHg0y4b/zf1bZFrko2ae4at7qHSsuO6jYCpUgI4="],["/assets/page-CNrf83Ph.css","sha256-cWfmGfItDz5X3i0pQCP7EDvbJGcWz8SQ4lpvrzS8YLM="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-BdpItNWw.js","sha256-JQswqaD6725cblqgT8Wphxh6p8taTvd5LAFtCGgKm7s="],["/assets/panel-message-CpSfXKQV.js","sha256-jT05XYP+q/5+eK3E3oZRoMwdAcDwolP71qxWfCalFzc="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-u8gIyP-1.js","sha256-DrvddiLmcPZgyZ9Qhp+8bZXYDZWlOeHWY1yr4OGHYAg="],["/assets/person-CGYNVHwq.js","sha256-iOYF//KWMx9nUOfXfbncXniM3Q3m3nGwtAJNI5xEIKo="],["/assets/person-info-Cr-nTil2.js","sha256-15ttxywcsNN35XfAQokx9bP8L4lbPd1eegX2I5wwNNc="],["/assets/person-picker-BeyJM7wv.js","sha256-8XV6IWli1sBBPaIYJwvadwUsWflXV6GORBuPdFGbMgk="],["/assets/person-picker-X6-K-4Pa.css","sha256-XVFmV2MnIvc6USRzohvVBsT94qWjsLzCgLzn/SbcQ2I="],["/assets/pins-panel-JdvdI-G1.js","sha256-QvLeQBO7A3p2m6518XdqnCkaTV+h/xEtDd0pL1I201Q="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/receipts-panel-k9YPPDu5.js","sha256-kw/iMFMfXpZI2virvUlMsHZi3EsVmSZTqtEIdorKrsg="],["/assets/requests-BSjHFS8P.js","sha256-MIeFizzoUR/eoWyB87wl5129J0SXj4985aiWvTetq7g="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/search-panel-BcChi9Zz.js","sha256-GZE8ryCo1m4QyAlJdNtEdPotlr7qPBw3TqEEpwYJ9zg="],["/assets/settings-page-BYF1_nkr.js","sha256-6Nk2d3hsxIfVUrc365wqXNjLLVgPf3p0fIFCUHpZESc="],["/assets/settings-page-DDeP5R3k.css","sha256-rW0Ixh0OmjweqSjTiCe6ZeuV/N8immwt6BkBHElbb40="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-BZrcSufC.js","sha256-ujKrmepWTcxo5BHbNrK5pRbFO2T1CG3NLgkXs0HDZg0="],["/assets/shortcuts-dialog-j7wpe_9V.js","sha256-t1q+WH/Kz/xckba/H8OJkIvrO5Zg0VZWQWAPbQVChCI="],["/assets/src-D1b-HPPq.js","sha256-gQcYsBPHjGLE+BsHpYViZT8XStG/tIJYUfve2L4Ac6Y="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-OB1g-ctJ.js","sha256-cNuWrdVGgN82nasf3hcLxRjsO0ebE25xvUsgVu4bxiM="],["/assets/text-BpduIuzu.js","sha256-EeG7N2xNuW40c4AOt4nfebX3Tv8p4bEm2FqcDUnWBdA="],["/assets/thread-panel-DkMjNi8_.js","sha256-ez+lQVtT2njXR7E6a7MLDbJvb6kTpd25FLH+eQBBtLw="],["/assets/timer-lXT9sHR8.js","sha256-Z7s0StgBorMqyiXSl1MjvbD7FZyks2wSwPRyD1v9oVE="],["/assets/times-BoK2Mw2O.js","sha256-FcgxFzf/lY6QcatUcwfsiTH9HSz8enpQbBqOh5wbamw="],["/assets/trash-K9V8vjbe.js","sha256-gnrtjIrUpbosPVnsQQcH0jYOznCdwOf+5xQiN8wM1N0="],["/assets/use-pins-B1gyENPf.js","sha256-3YS29jfUynPiqCawG/BWXoDoshDNSxmJAqwIoack4H8="],["/assets/user-minus-CZTLa6_J.js","sha256-wbzLG4qeuqguyJchiXDqjaJkEbukEYSGBdOmb4E1E+o="],["/assets/user-round-CAkQIk73.js","sha256-L1/NJKUzKXSyFHNSsVDRCRyGaoqSFE5PXvdtrnGbgFI="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
