const VERSION = "c1ea686a036783ed";
const FILES = [["/","sha256-onL8q6wuBTzx2RqrEqIS/5ufGK4NFfaiZe7q3k1lKew="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-C-dpwtGn.js","sha256-YonD4OjIuxspyqVrYImZ5dwpc2UEp2pA/Y9wZISdzjQ="],["/assets/ar-Dr6ZONLK.js","sha256-UQAUzy+HoYVpAVc44mS8KjRnZF6lbO5BZ+AKmbD918w="],["/assets/asked-ChImwqSl.js","sha256-sDDj9l3ptCQuqDe5qIcZvlBVXdlUbXyFN0jCsr0xGiQ="],["/assets/background-BSlaPIkP.js","sha256-28CizkzYpMDaGplUDUP7FwgZqlOnU2Cvk0YPJnar6cg="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-Rrva7y3J.js","sha256-0/fGn9gVzpSOBw3OiyzhSJOV8hDQ4u6Lz15FJhXt/rM="],["/assets/choice-Bx_8MWhB.css","sha256-/q8zgsW3V4ety8R8xE+HrYAWKikA+OAOFYdrRkibRcw="],["/assets/choice-CiGaNYW3.js","sha256-APRMnEzwgOKa4G7kvwdLekFVK6yf6IFpcoQkjIprDbQ="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-D8je-CFk.js","sha256-HW1pZif0dxo/EHcZQvShXeFujaOFwawIjJO/Y7bceRU="],["/assets/conversation-rows-CcuSfnBU.js","sha256-zQ4SB+3Au2pPTFUBUOOKSXqkzqg0yNx1TECDtIjctiE="],["/assets/conversation-view-BaZvnLKJ.css","sha256-8rQ6tSe++X3+RAt/KkkF+6fqHrEGYmHJFthEFpRltUw="],["/assets/conversation-view-CijeBJX9.js","sha256-86Zb/Jtz/q5IT71rSzzjnVcNyK8xpD8DCwnBiK6ST5k="],["/assets/copy-BvyFl9ZM.js","sha256-UP4oGnkGDobMBaneEZuB26aWFjmJTuIOp6Bzq3IQQFw="],["/assets/copy-DlE553eD.js","sha256-prBpW2GTWPGK7cgP18gEwHX9nNZPiUOVSsVzWnxi8JU="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-D2_08TrS.js","sha256-Hxzk6VXjNFyCucBRKSML12Dd+p8wzzU+5wJ831xaDm8="],["/assets/dialogs-BaR4KCiw.js","sha256-8X5pmvI4MF+yP5V3095/z8KMhsjBWir38SqC65FTAvo="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/emoji-picker-yrsYe8aY.js","sha256-Qpkzj7MPDsRT4Ip5n36zp5ZJUtaYod8KnSGCKvDDkns="],["/assets/flag-DobReqA3.js","sha256-yIo/Ilw0vqaoYcTUFaD5y3tOu+2/sNIJNbu3JhEVjUI="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-LYmdVIlM.css","sha256-b+UE6dkP45Bxe6b2q2cRyXxKhLkeqje7wedmmxgvLno="],["/assets/group-info-t-P-a6QW.js","sha256-JT1KAZN+/8WOXlNTk9B+0cS148BPuhPMKEJIvUsK8ok="],["/assets/index-Bf3pXb7o.js","sha256-/kLlHTfKskBBFhAqV6DFFuCEFCGCIxOWjkaMyDEazQE="],["/assets/index-BubR4EhN.css","sha256-lA/JD3Kao/iu04ZNiRJtoHALkmqm9riXWeGKutNwcE0="],["/assets/info-RkWN0ojb.js","sha256-nA2/joK5/uGzAwJmu0I7Ecl99gMbb/flZKe+wJZAksI="],["/assets/join-B6C8HMz3.js","sha256-WRjhN2fmeKqK4Y7pNGAgQO3ikn/waQkvcgZuQKaPAfs="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-CML5AU8p.js","sha256-UFegLTtUeFSAt3MChydnwzT16C8ObgfGbBVAcJwvZKA="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/loaded-DaF-_nxL.js","sha256-IA7Gh83Gj9lYSMyDC/6bMp3sjBdHmCPG5pBJWUR8yRk="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-Bo3b5Sgp.js","sha256-mvOqvGU9PXAEtD0ZNFxW6lYysbiniV+Sh+sM40Ym3W8="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/moderation-page-D67b0plw.js","sha256-iF1WpcD9VKWFdhVCkWNuf1AmsGKB9VIfw3ndZSW8z0Q="],["/assets/new-conversation-DNCQwDoD.js","sha256-DhsNX1ss0EQRR+3dgy/1LTmKIqucUpWdXAzyF67lPyU="],["/assets/new-group-BEwzEYml.js","sha256-7ef1v1crqSxWN/anQHI21OEKE2YdIa04UhWE1VRBPLY="],["/assets/page-BZ5EI_KG.js","sha256-Yxl7U+Q0PayZPgpMd1niht5r0MoQXkT5TQLKFVzIPpY="],["/assets/page-CNrf83Ph.css","sha256-cWfmGfItDz5X3i0pQCP7EDvbJGcWz8SQ4lpvrzS8YLM="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-BdpItNWw.js","sha256-JQswqaD6725cblqgT8Wphxh6p8taTvd5LAFtCGgKm7s="],["/assets/panel-message-CFwqL0Wq.js","sha256-Gg+E8n8nSrWhkjLyvX5AMPVSyNbzXcP9NZkwPQZ4HuY="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-u8gIyP-1.js","sha256-DrvddiLmcPZgyZ9Qhp+8bZXYDZWlOeHWY1yr4OGHYAg="],["/assets/person-CrA0nL-v.js","sha256-JNGdSgeblLY4xP9d3jmO0ZCUdh1JeFhAE0aSZkc73Cg="],["/assets/person-info-D_Ku23IK.js","sha256-EQzcW/U/1IkMxbJHQDjF2exzdEO0axz8V7chYLQKOfY="],["/assets/person-picker-DX4nk1l0.js","sha256-HM2bqHdqWLPL7U5Nhc5rfOMVXEWWHMgmJEFnNN17ryY="],["/assets/person-picker-X6-K-4Pa.css","sha256-XVFmV2MnIvc6USRzohvVBsT94qWjsLzCgLzn/SbcQ2I="],["/assets/pins-panel-D3GwUEnI.js","sha256-1E0Bo3Eovti9nDqSrv0PjvWAFwfCS8DiqgcXYi0mJW0="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/receipts-panel-DPiR_aAG.js","sha256-Ix4UrZb7xGmVemlNyv9HskGwmigEJbZ5KTcaJO7OBD4="],["/assets/requests-Cx8mdoWq.js","sha256-L/jN9dUrl/Hh2ghDc9RIlREnS2LG2gZsJ3wUyKwf3pg="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/search-panel-CwdQwgA3.js","sha256-diMzordagkLsYz+QhFnkAojBjSoC5DYsy/mrU9Q2ilM="],["/assets/settings-page-DDeP5R3k.css","sha256-rW0Ixh0OmjweqSjTiCe6ZeuV/N8immwt6BkBHElbb40="],["/assets/settings-page-DZctlvcn.js","sha256-+nExorWl2A4hK6VCc//wVygAxZb5bgwdknOI22Fk5Zw="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-Cp4rOZFd.js","sha256-Gj12vtZGRLqVhm91lrUjaWaeRQAjXzPNi/tIdLSnyn4="],["/assets/shortcuts-dialog-BuY4UM9v.js","sha256-qGnALOKM9ihDHa7Hs+yPNtgi4tJiAU7FuL0GewvS5eY="],["/assets/src-D1b-HPPq.js","sha256-gQcYsBPHjGLE+BsHpYViZT8XStG/tIJYUfve2L4Ac6Y="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-DmNPQd5L.js","sha256-NJPBAT1eMC0vkFi/aOGEWPFE9ys/oT6QandHXYjpjKo="],["/assets/text-BpduIuzu.js","sha256-EeG7N2xNuW40c4AOt4nfebX3Tv8p4bEm2FqcDUnWBdA="],["/assets/thread-panel-Sbq1SKKE.js","sha256-yfgbvGka6yD1vc7bP+xAW9CJn8SdOZbdPwPi97CDLDg="],["/assets/timer-lXT9sHR8.js","sha256-Z7s0StgBorMqyiXSl1MjvbD7FZyks2wSwPRyD1v9oVE="],["/assets/times-BoK2Mw2O.js","sha256-FcgxFzf/lY6QcatUcwfsiTH9HSz8enpQbBqOh5wbamw="],["/assets/trash-K9V8vjbe.js","sha256-gnrtjIrUpbosPVnsQQcH0jYOznCdwOf+5xQiN8wM1N0="],["/assets/use-pins-B1gyENPf.js","sha256-3YS29jfUynPiqCawG/BWXoDoshDNSxmJAqwIoack4H8="],["/assets/user-minus-CZTLa6_J.js","sha256-wbzLG4qeuqguyJchiXDqjaJkEbukEYSGBdOmb4E1E+o="],["/assets/user-round-CAkQIk73.js","sha256-L1/NJKUzKXSyFHNSsVDRCRyGaoqSFE5PXvdtrnGbgFI="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
