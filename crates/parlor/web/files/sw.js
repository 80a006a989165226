const VERSION = "21b9a083a91f37df";
const FILES = [["/","sha256-9Dh0LCZNtC5H/Wotw4VGkzOvmpVaIv9RuPUphpFF2rA="],["/assets/access-rows-BA5pRj7h.js","sha256-S6sZl1x021BTUGoMr+7yeShh67d0c5MItkj5S8k3hCk="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/ar-Dr6ZONLK.js","sha256-UQAUzy+HoYVpAVc44mS8KjRnZF6lbO5BZ+AKmbD918w="],["/assets/asked-ChImwqSl.js","sha256-sDDj9l3ptCQuqDe5qIcZvlBVXdlUbXyFN0jCsr0xGiQ="],["/assets/background-_tIWHCFi.js","sha256-eIooSlsJwlXxvSsKU9Tal0JMkDTJ9+/+xa73gk6xWOg="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-Rrva7y3J.js","sha256-0/fGn9gVzpSOBw3OiyzhSJOV8hDQ4u6Lz15FJhXt/rM="],["/assets/choice-Bx_8MWhB.css","sha256-/q8zgsW3V4ety8R8xE+HrYAWKikA+OAOFYdrRkibRcw="],["/assets/choice-tGOTvOaK.js","sha256-+faWSJk0qsKop2f/xafjN7P/S3qmHcBrYXOpJIB5Sqw="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-y4KujxfJ.js","sha256-xkw072APj9oZ9QSBcn6vLNrA00V4x3RD3KXr8/HCmoE="],["/assets/conversation-rows-DDqNt-6R.js","sha256-T49XL84Q9YhsbOGzUfmmXdjB0yw7E0Tgs+y0RLYTj9w="],["/assets/conversation-view-BaZvnLKJ.css","sha256-8rQ6tSe++X3+RAt/KkkF+6fqHrEGYmHJFthEFpRltUw="],["/assets/conversation-view-DeyZ0b2T.js","sha256-ME2HvhVH7suxdMs/Vd8ANLBfT8TKyJPT8Zi6SSEIhpY="],["/assets/copy-BvyFl9ZM.js","sha256-UP4oGnkGDobMBaneEZuB26aWFjmJTuIOp6Bzq3IQQFw="],["/assets/copy-e3XxlWEx.js","sha256-MerAgqZtyJ0k+pCupbh5vrH4pUDI0rOqJEv+hnHAesc="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-D2_08TrS.js","sha256-Hxzk6VXjNFyCucBRKSML12Dd+p8wzzU+5wJ831xaDm8="],["/assets/dialogs-C9833lAE.js","sha256-JDkAH1CzWcoeIhp3ouzNbk+9Ssnl2AaIssd4OP6klHQ="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/emoji-picker-D964vjeg.js","sha256-2Ah8rDSOHdU5CD36snuHGIIT8p0/H/YcxiXq9g54OOY="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/flag-DobReqA3.js","sha256-yIo/Ilw0vqaoYcTUFaD5y3tOu+2/sNIJNbu3JhEVjUI="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-D8uGpe92.js","sha256-aFXzUPB03vLU4svoz1OtqBT4GZFnaHGr79nK00ARR1w="],["/assets/group-info-LYmdVIlM.css","sha256-b+UE6dkP45Bxe6b2q2cRyXxKhLkeqje7wedmmxgvLno="],["/assets/index-BubR4EhN.css","sha256-lA/JD3Kao/iu04ZNiRJtoHALkmqm9riXWeGKutNwcE0="],["/assets/index-DMrB1LDP.js","sha256-gTox5nzqxPrBQ2hoXjtwJYZy6vsxFlof0EAaX9C1mX8="],["/assets/info-RkWN0ojb.js","sha256-nA2/joK5/uGzAwJmu0I7Ecl99gMbb/flZKe+wJZAksI="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/join-uEG-o5Kc.js","sha256-6kruKNxpCJX/LyPTBoQ+MI1PjNBtMtS4LeG4sNUt0io="],["/assets/list-row-Cn_X8jjH.js","sha256-4JX+jplayiKFr4V5HmlxrjAYcaMJZjz6lcbUgm+lyRY="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/loaded-DaF-_nxL.js","sha256-IA7Gh83Gj9lYSMyDC/6bMp3sjBdHmCPG5pBJWUR8yRk="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-BB13rvdP.js","sha256-Blh7uBVcN7ntLUAq9YLvA2LqQmGU24E5UCwMrXPTDnw="],["/assets/moderation-page-CK8aIK0g.js","sha256-bhQG3rWWBJLmstCHMJ2ieo4oahrljGiE74f0wM9ed3I="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/new-conversation-CK8TUfz5.js","sha256-10as4MpFebpnFCE1Oz0gj+b5/dQmkIPxXPTa2wV2vIs="],["/assets/new-group-DEWHIDsJ.js","sha256-8qvHnfCQHOkV9ih5ozzLrMBc02qTNoqTwWvm5+6PmdE="],["/assets/page-CNrf83Ph.css","sha256-cWfmGfItDz5X3i0pQCP7EDvbJGcWz8SQ4lpvrzS8YLM="],["/assets/page-DUT9WocI.js","sha256-X8l/U5bv+LjX9X4ewGXXKQb5dbDecGlV0w5tDDO+PyU="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-BdpItNWw.js","sha256-JQswqaD6725cblqgT8Wphxh6p8taTvd5LAFtCGgKm7s="],["/assets/panel-message-Cm-oApFU.js","sha256-oQeXtYfVWgY61ZYQ/AJ5DH5M8OSRDp4gfQ4t90tM1z0="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-u8gIyP-1.js","sha256-DrvddiLmcPZgyZ9Qhp+8bZXYDZWlOeHWY1yr4OGHYAg="],["/assets/person-C1k1_VSk.js","sha256-zMhJpjFU5G1LgPwvdnZUnB4m/LsqENRstnI/Bj2ksUk="],["/assets/person-info-Cd73VXbp.js","sha256-Nb/7aarIRzKGxRv86tWihjZlymrvUN4U9i+HIFmJELk="],["/assets/person-picker-HmeRbVL4.js","sha256-Dko5LunLlIxCSiATYiRiwqxwqhvTEXkznHwSz5v954I="],["/assets/person-picker-X6-K-4Pa.css","sha256-XVFmV2MnIvc6USRzohvVBsT94qWjsLzCgLzn/SbcQ2I="],["/assets/pins-panel-C9LiEIRR.js","sha256-CFnsxWbzkZcC8P2heIqjy7lvJ34b5/1/IU59+bS1uMM="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/receipts-panel-CcZdyviH.js","sha256-bscy1frxmRfWjbrcmOAHIdwJR3hTMyFGgUPLDB1OCjY="],["/assets/requests-B-QVZGyq.js","sha256-dHH1MBT7ks3mSvU1By/hbiLwAiKY/kYQD0LRx3V86m0="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/search-panel-D67IHnrD.js","sha256-PB3kZUZtPAB3pmyyCkzpZ5ZYkdlLNlu8GRa7zuE/pvg="],["/assets/settings-page-5vQwMLZT.js","sha256-UHFb4mEX89DoyAYV/9RG1LXd+gwmlc4JH7DreIGKccQ="],["/assets/settings-page-DDeP5R3k.css","sha256-rW0Ixh0OmjweqSjTiCe6ZeuV/N8immwt6BkBHElbb40="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-BZOMKoMK.js","sha256-tDmhni2yieZYyTIhefLj7iSHQ3NjRHaxpZdPL75FLhk="],["/assets/shortcuts-dialog-BfCQbKkL.js","sha256-NZO9qbrYpUtp6w75esj79gpFxVX2c3rtHZvmpezibjc="],["/assets/src-D1b-HPPq.js","sha256-gQcYsBPHjGLE+BsHpYViZT8XStG/tIJYUfve2L4Ac6Y="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/starred-DSjOiqYH.js","sha256-yAbg6vPGMGnsFfPo2SspFxFGg0RrPu5CDRDvqfAkWwo="],["/assets/text-BpduIuzu.js","sha256-EeG7N2xNuW40c4AOt4nfebX3Tv8p4bEm2FqcDUnWBdA="],["/assets/thread-panel-Y4jNXJuD.js","sha256-dMNVd7CvC2vhIE6AG4YJI7dTvwz8nxDGjvum3Uk5wLo="],["/assets/timer-lXT9sHR8.js","sha256-Z7s0StgBorMqyiXSl1MjvbD7FZyks2wSwPRyD1v9oVE="],["/assets/times-BoK2Mw2O.js","sha256-FcgxFzf/lY6QcatUcwfsiTH9HSz8enpQbBqOh5wbamw="],["/assets/trash-K9V8vjbe.js","sha256-gnrtjIrUpbosPVnsQQcH0jYOznCdwOf+5xQiN8wM1N0="],["/assets/use-pins-B1gyENPf.js","sha256-3YS29jfUynPiqCawG/BWXoDoshDNSxmJAqwIoack4H8="],["/assets/user-minus-CZTLa6_J.js","sha256-wbzLG4qeuqguyJchiXDqjaJkEbukEYSGBdOmb4E1E+o="],["/assets/user-round-CAkQIk73.js","sha256-L1/NJKUzKXSyFHNSsVDRCRyGaoqSFE5PXvdtrnGbgFI="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
