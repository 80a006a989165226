const VERSION = "e38069699a59e760";
const FILES = [["/","sha256-jFalhheu37+nBqWi7LzT5dMWvSG7pTg6jI2O0o6f114="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-DCezztET.js","sha256-6nFW8BzXd5SzVVevPmaQntg7dwZ/EszGFhz0kJHOiAU="],["/assets/ar-Dr6ZONLK.js","sha256-UQAUzy+HoYVpAVc44mS8KjRnZF6lbO5BZ+AKmbD918w="],["/assets/asked-ChImwqSl.js","sha256-sDDj9l3ptCQuqDe5qIcZvlBVXdlUbXyFN0jCsr0xGiQ="],["/assets/background-Bi4zQMQg.js","sha256-X1Gw2lEic9bC02xTDKm9GhExwPsaU/rzvcQ0sA8tP8o="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-Rrva7y3J.js","sha256-0/fGn9gVzpSOBw3OiyzhSJOV8hDQ4u6Lz15FJhXt/rM="],["/assets/choice-BmvDrObq.js","sha256-u5G5QVhiaaaoA3acI0VV18TeZIxkHGPeweGa4ao88OI="],["/assets/choice-Bx_8MWhB.css","sha256-/q8zgsW3V4ety8R8xE+HrYAWKikA+OAOFYdrRkibRcw="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-e6xVctox.js","sha256-/uFbkWmOlSxKG6517KTvFNAr0SS34mJvvhwdIpFToLA="],["/assets/conversation-rows-BlLDFUfQ.js","sha256-j6Z7eoK+R8hXjonrtJydJQHfUx27+BbJIjaE+4k3pqM="],["/assets/conversation-view-BaZvnLKJ.css","sha256-8rQ6tSe++X3+RAt/KkkF+6fqHrEGYmHJFthEFpRltUw="],["/assets/conversation-view-D2WjWsoQ.js","sha256-Np8eQVejd5STEt6/tvowAAASAsLWQuo/c3peEQaEoHM="],["/assets/copy-6uSvFWiY.js","sha256-xEDpa1Qcja3jcv3nmt0Do4bj5bt6C0Qa5eLeG5CS7/o="],["/assets/copy-BvyFl9ZM.js","sha256-UP4oGnkGDobMBaneEZuB26aWFjmJTuIOp6Bzq3IQQFw="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-D2_08TrS.js","sha256-Hxzk6VXjNFyCucBRKSML12Dd+p8wzzU+5wJ831xaDm8="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/dialogs-DxR6IBCr.js","sha256-0wo5f1ytaQ7f2HQmnHgNq8ylZltWssAhshlglvd1OFg="],["/assets/emoji-picker-DH4jWN6U.js","sha256-6ereADVH4AWO3ivXgY1sMAd8lI11Q4na+SX3LJLhI0Q="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/flag-DobReqA3.js","sha256-yIo/Ilw0vqaoYcTUFaD5y3tOu+2/sNIJNbu3JhEVjUI="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-CGC3-pI5.js","sha256-7Jav0ENXQsc4BDCG02qGdtN8FIW6F/axUFbuQA96Hb8="],["/assets/group-info-LYmdVIlM.css","sha256-b+UE6dkP45Bxe6b2q2cRyXxKhLkeqje7wedmmxgvLno="],["/assets/index-BubR4EhN.css","sha256-lA/JD3Kao/iu04ZNiRJtoHALkmqm9riXWeGKutNwcE0="],["/assets/index-xvAQ-cYm.js","sha256-GZReb01WsBHPS4/bfSC6KsTq5wwFzRlYj2UzWd1nk/I="],["/assets/info-RkWN0ojb.js","sha256-nA2/joK5/uGzAwJmu0I7Ecl99gMbb/flZKe+wJZAksI="],["/assets/join-BU8-cQfV.js","sha256-US0YlmZ8exzShFVrHCR1SFtAxQG4GNnunWIWUED+bCI="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-CBmh8XxR.js","sha256-QCZxbxdEQ1flIK0fuXkK24Huqgg1Xt3jbczyY+RJaR0="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/loaded-DaF-_nxL.js","sha256-IA7Gh83Gj9lYSMyDC/6bMp3sjBdHmCPG5pBJWUR8yRk="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-W81lOx87.js","sha256-ZveyCSYIs1T0A9PXxEm22BQjfPz9mFtyJ0FntOHK2ZE="],["/assets/moderation-page-Bm642Lbk.js","sha256-7wC1h59mxLDehbUbRSOhVjbyE75iCzlQD8w1OZVUL/s="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/new-conversation-BLpyQLRq.js","sha256-CA0KK9isHEoweVmBtsIgYOGb17stuCx/umqvj1xu6Rs="],["/assets/new-group-DtxFDNBo.js","sha256-7yqAk21K7/qspZ7f2V16cM/R4mJqMAQDFo0hDlSNZ7E="],["/assets/page-CNrf83Ph.css","sha256-cWfmGfItDz5X3i0pQCP7EDvbJGcWz8SQ4lpvrzS8YLM="],["/assets/page-e-Ve5nXi.js","sha256-s7DRxW8UsBnCrJ8DOPS4TW1zFGPEJf3I3J+JVoDnuJU="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-BdpItNWw.js","sha256-JQswqaD6725cblqgT8Wphxh6p8taTvd5LAFtCGgKm7s="],["/assets/panel-message-bpOFMNW_.js","sha256-Ejk5BKHedsw1+141knLHcgwK76PgGNEW46SM9bZhieE="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-u8gIyP-1.js","sha256-DrvddiLmcPZgyZ9Qhp+8bZXYDZWlOeHWY1yr4OGHYAg="],["/assets/person-M7NGlrE4.js","sha256-I0MkBIRlIbOcxEihBtwJuDLdPUkl9RH3AYScAooiugk="],["/assets/person-info-CE4WdR4M.js","sha256-N47jB+FrZQuM1AVXzXqISS1THYRiPGUPXJaJxOx4A3k="],["/assets/person-picker-C5Y4gXBn.js","sha256-q9JcIYJ0mUsDJBdq37Cm3mDX4ld6phEzz5CCRImXQkc="],["/assets/person-picker-X6-K-4Pa.css","sha256-XVFmV2MnIvc6USRzohvVBsT94qWjsLzCgLzn/SbcQ2I="],["/assets/pins-panel-C2OG7m-B.js","sha256-fVq0rJTzA3CtHb+rp+0t7D5azdZrF9oEkKZPg30DtyE="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/receipts-panel-DvfSBU0P.js","sha256-RrmaZHFoTZeDdmtmJnMDg++GKtRAb17efS4lm/ZL/h0="],["/assets/requests-BuflxMaL.js","sha256-zny8EOnLJim+6inuzi2JYTNPhsGBrM30x30gfTEaQWE="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/search-panel-CEUar0Dz.js","sha256-GHZVA8M1cMPlFbJxlNZgbiaNeaPkmAmAwJhscU/Je/0="],["/assets/settings-page-DDeP5R3k.css","sha256-rW0Ixh0OmjweqSjTiCe6ZeuV/N8immwt6BkBHElbb40="],["/assets/settings-page-DYb-q9Wr.js","sha256-2KeyZWYi/WXr9wIEt9r0JB1Dk/8WK6OTgyJru/e2YPM="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-DZw6GUOC.js","sha256-A1ak2VPmg23n9lFi5OJlZn98ewQ1Znf41vDdhskN0WI="],["/assets/shortcuts-dialog-Doiujrg-.js","sha256-lK8GdXwnAV5oPt3Mn8PoyStMkNzKe9yeAR0Su+f3M7o="],["/assets/src-D1b-HPPq.js","sha256-gQcYsBPHjGLE+BsHpYViZT8XStG/tIJYUfve2L4Ac6Y="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-snmffnM_.js","sha256-t4HZlmD0nNnkPUt9wNw4TnDDzF5d1aGdkyIYBOHdAUE="],["/assets/text-BpduIuzu.js","sha256-EeG7N2xNuW40c4AOt4nfebX3Tv8p4bEm2FqcDUnWBdA="],["/assets/thread-panel-DlO1nVa0.js","sha256-V010f75SCO3cEzRTDvjlAmE8iCEH/ldBC+YqH79/7mY="],["/assets/timer-lXT9sHR8.js","sha256-Z7s0StgBorMqyiXSl1MjvbD7FZyks2wSwPRyD1v9oVE="],["/assets/times-BoK2Mw2O.js","sha256-FcgxFzf/lY6QcatUcwfsiTH9HSz8enpQbBqOh5wbamw="],["/assets/trash-K9V8vjbe.js","sha256-gnrtjIrUpbosPVnsQQcH0jYOznCdwOf+5xQiN8wM1N0="],["/assets/use-pins-B1gyENPf.js","sha256-3YS29jfUynPiqCawG/BWXoDoshDNSxmJAqwIoack4H8="],["/assets/user-minus-CZTLa6_J.js","sha256-wbzLG4qeuqguyJchiXDqjaJkEbukEYSGBdOmb4E1E+o="],["/assets/user-round-CAkQIk73.js","sha256-L1/NJKUzKXSyFHNSsVDRCRyGaoqSFE5PXvdtrnGbgFI="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
