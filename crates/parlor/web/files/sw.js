const VERSION = "b4894a1f3423ebab";
const FILES = [["/","sha256-flhDhOvIEiiv49BlgYd5b5PM2ZmL4VU9DwteXxCYENk="],["/assets/access-rows-BjtN-cD5.css","sha256-AGkw5qlgC8Ra4iQXTztUqknABbBc6rkBP0G5/TSP3WU="],["/assets/access-rows-CMuwmyB7.js","sha256-KFNNGw14+Z3+Z45SSBG+bCrc35Gc548OkYHaFv5aqKk="],["/assets/ar-bPO3aHnc.js","sha256-UjQ723uf4LMu65eTadnIxJ95jWxktezwK1as6QoRTig="],["/assets/asked-hqyGPf68.js","sha256-v3ybeyiONb8RfSn/kuNxRluSbXK9JX07nbN3ISD82Mg="],["/assets/avatar-B_5sid5a.css","sha256-zgSDw/cLosJaD2HU/bwEOGx+yAUgy5OC1e9woqwUPiQ="],["/assets/avatar-CublP418.js","sha256-5ZOa5FaW8ppJeqpw+BDFHAd3kzxt69y9KPQPoP/q1kQ="],["/assets/background-CSCm7eD0.js","sha256-0QghDqx9vuJ6UU0c0LjPZTsOg9V9ghS+0THfnMGz2Ek="],["/assets/button-BbvbYx56.css","sha256-4F0xYopUrl4Ul6YDRAibyuBQJDsqRfhRrI0JagGMrXM="],["/assets/button-DcThrDL6.js","sha256-zVibOcrJwknsQazKANe27B+39SKECuLg1mHDUHuzdcY="],["/assets/choice-BlIDzoZ_.css","sha256-gsqgp/S7k4iyDEPGGHa7D0KytyfEYnZ0OOoeT21gqx0="],["/assets/choice-Bvprga0h.js","sha256-Gz+wcg4+wDI6ce+ur6afGSR46kFDXAVQSBqXuPpbbKg="],["/assets/compact-CelYNJqw.js","sha256-6RqGEuS/ytha682YvNOjKxk4YImPNBMHhPU5m66IKWM="],["/assets/compact-i2Tykj5_.js","sha256-H0K7fJM6jommn8GHClf419zR5ts4m/q11m5bdocG8p4="],["/assets/contact-dialog-BDH9cMLf.js","sha256-RxDS+IHjEwtIJn/otkRw7adKsgFri5/9+kgyhhiShHA="],["/assets/context-Cb4uRtgH.js","sha256-AL6RTlX6CNr6sJCS6HpTap9czpKzLJfp6ZCZ/rcCuvY="],["/assets/conversation-rows-DwhG0Lw3.js","sha256-cHliddC4p3tDfz2dg/h/zn8cmVRfkP7eJ7/YjPqaa1c="],["/assets/conversation-view-NLUp0fF6.css","sha256-qsco2C1AhIJP+zyEknNLiK1EbAo8KZEC9w8cYlQTPmA="],["/assets/conversation-view-vb1-yvbN.js","sha256-nAXy3QEENL+Kv7/8RCUZbrJTIDhOZ5iX+oCXy1YxQRI="],["/assets/copy-BUnUwRU_.js","sha256-XzD0Yve0XaSuVA/f8Hrn8iYlafYhxcd7D8An9rBNm8o="],["/assets/copy-DMlYgiN2.js","sha256-o61Q1OCXyqlweH/JoUvtZ/gUoDxJEwvXuf4+VOOUKs8="],["/assets/dates-Bm5Ls2QC.js","sha256-1DWW3d9nkozXZXcUDWdkwY5AYIN6VDQgaczCwfrhU3c="],["/assets/de-DjB5eyX8.js","sha256-NLOIwFSGgKUDfYyUfLYHC+MshzHMt2I09wll89F9ECA="],["/assets/dialogs-Bpthzh9s.js","sha256-6dqRg0RWfr8ZcBUIzK7W2LNZhyvTA1CaqU3JTsdq/Ig="],["/assets/dialogs-DcX--v7P.css","sha256-tq2XcE/yDUM/FauuvUqGilqZxppL6L/WG6OC/my0VeM="],["/assets/emoji-picker-Db7DYHuc.js","sha256-k8hGZuDaDG1Q9ofX5ZAOF64H3qAkyjrMEWrTooz91m0="],["/assets/emoji-picker-DhDsCwJc.css","sha256-XEMR50WEZ8mlyhoIBgIrgRPLFnmy4X3yk9KnOAq8Hp4="],["/assets/ended-CBNwrMmg.js","sha256-Kd3sSZ59u/oOrHXcYKEKnUy2StAht5oeZN7oDWGXOBs="],["/assets/ended-gejNNZuv.css","sha256-wBncqT+sxXVLxbOO++g09NknAaX3InWlHutaaNTIfWc="],["/assets/flag-CUKduRv5.js","sha256-qYy6ovZFAWrL224QYtLP+27zKiblTZjoPoirIDhrc/8="],["/assets/github-CFPQJTsC.js","sha256-pkzV5jTeWCxlNzpkLlN38XSPTcwFyRZ+B21a+Fpyi/0="],["/assets/group-info-3ZR25lCg.css","sha256-JJ1Vgem/4OrRTbJHvi3G7j3ked4vhej2gS5oqJG1j0s="],["/assets/group-info-XihUVH9_.js","sha256-NsEWtjUY//hOOvbFlQ2FkYE7KiMNrQcBpsIBXUWWcN4="],["/assets/index-B9tZJtx2.css","sha256-6mNCInT+LRO4B9HbEvUHYC5zloNrPtH2APVLTb7+jCQ="],["/assets/index-BBVxqhG4.js","sha256-545MI4KWrvqvo/jFRrb6xgZkIwyJl885Xz4pvgaZDOU="],["/assets/info-C4eKzts-.js","sha256-iH+Nyt3LE8k+kS8nSZ1NpXyedQk7M6SHtrLcCj9KM6o="],["/assets/join-C5rcaFCH.js","sha256-V2k+cuxKLUYhsyn0fAguXYYs4imij6pIOcoaNiwH+5s="],["/assets/join-bNhb1e9V.css","sha256-BvhscJGM+N4reXqgo622f0chBh3AyEWdSP2VJkPzyLE="],["/assets/list-row-DuROOhFq.js","sha256-BUDcoss68Cwntc1CerLs+mCiQHad6YDg2F1gBY2sBEo="],["/assets/list-row-LPvzEfhh.css","sha256-P3x9j4SUH5F0QrzrZiRWOlGlfYZ8vuBRup9b41/4YcA="],["/assets/message-menu-B-G_Udru.css","sha256-1rfUCjU0dOaCFAJS3H7HKfv9caZRohgVoeN31ke+G/Y="],["/assets/message-menu-CgIj-zIB.js","sha256-TH+dQmfWLshwfB/5Pl2D1EP5QbLee1PQVUo2k1ysKwQ="],["/assets/moderation-page-CdZmj9YI.js","sha256-58r3KTF56PtnOdF+Hh7zkBL1jaHcklXvkBjd9CetjBs="],["/assets/moderation-page-CtU97hkM.css","sha256-uZ+T/z6LsMCKtWd9ZtUp8SdmdQcryLr5kLGhHQSeJwA="],["/assets/more-BxZkh4Ca.js","sha256-bwNxB4DcRilYDKHt7UgbCD1o6XhpCLc+FBx/NyCGZ0U="],["/assets/more-DUfULJsi.js","sha256-77d0LKyKB/YQczRtUUaDBVXik89iHdljvxE5j2Ax0lY="],["/assets/more-DcmIwSDe.js","sha256-dg9llZaQyY2MmdOEvYIXLJ6Ho+qPiWKht2vu0G31enA="],["/assets/new-conversation-DtKk2Nvi.js","sha256-NaeIhsKMQw97Ly3YqyyNPfUq+zISlwCtEaWOVwlYqlA="],["/assets/new-group-Db9VboY4.js","sha256-WeX7xEd3OOVmac5E15ptsSm2fni7lUL3HSNX1VFf+ic="],["/assets/own-CdFVkjj2.js","sha256-r0+N+RELNnLf43+Nk7Ljxquhs3Zf5mClrPuAWobORrQ="],["/assets/page-C5ymE07B.css","sha256-8UayLrPC3Cwzp+63ReIUUKw+C8kaG8E3+MRhZobIOGs="],["/assets/page-DouGPAs-.js","sha256-w+UtdsdLf8CYtwp8kUnwrkVQ8EqqYUJ7qnlJudHqhwc="],["/assets/panel-4kr18XcK.css","sha256-gRcYwhKSyC9sHhDInfm+kFxUsN5S+ppAAjICSaK6jy4="],["/assets/panel-gGLbori7.js","sha256-mCkjK9oFk0VpvBE1t7+MsQXVSIyy+nUkdlM+85r92B8="],["/assets/panel-message-DPLe2mQw.js","sha256-HI21nvH6bmj+xNahw/tdV/1fP6TKg2zUhxeIj90Z49g="],["/assets/panel.module-CqaABVF7.js","sha256-hYv9R1hWpF80pHV9dFGayIHUtx+BFCU9tfJDbXJSukI="],["/assets/panels-CDd3sQ7u.css","sha256-W//SSnIHVECq1ijfcE0c6b+yyJkbnhZHrr3HazAlzdc="],["/assets/panels.module-Cp7Fzjvz.js","sha256-wQhcPJRQeXogz+JyGWNcmGNJbnXAPw9BVrCGtAetFIY="],["/assets/pencil-DBPeq6AG.js","sha256-64DJi0kP2JZLfqlwGwKPqBmDH3NfABB9a/iW3FKQMeY="],["/assets/person-info-DOntuP33.js","sha256-+ewm87N87P2iZByF6YQVPlTVzEldMlB8I20rt7/BIS4="],["/assets/person-picker--xmTvmmZ.css","sha256-EdG0BIFB5dpmXf87CuLOrrYGcyHumYGW3Gj0Kqidqxs="],["/assets/person-picker-CLxe-gTH.js","sha256-f4pGbVx9KWkIsV3UN+deGr5X81JriP0TdTRmk6lGRp0="],["/assets/pins-panel-Bj4YOesD.js","sha256-vsKLHjtBxmvT1jGQZgoA1EsrOdBESTr1DCglqEKje7M="],["/assets/plural-86N9QDaZ.js","sha256-79vLb+2RkQKJt3MHz6Nfrqk3K9BAuFTh6fabTO0WY6Q="],["/assets/profiles-BAUElV-T.js","sha256-IRHOmo3vsXxAKD4kMzU64M0GJn1osw7Cak7f1xExl5Y="],["/assets/reading-B-aRO62g.js","sha256-rzKddcJ+JWJzEV2suO6c+dgnUbzFtuepcXOzfep+4Yo="],["/assets/receipts-panel-C0fZAZkp.js","sha256-jw9pIJwi8e/KmRm69Hptzjve2Avq6ikjWFPbcTcuKoE="],["/assets/requests-BEBe4vTP.js","sha256-7dmxO8D4Q60kVJjyRFZwo4UnDAWt7XOqxCR9j8fNKJU="],["/assets/requests-i3fahHzk.css","sha256-9nb6HefROY+vCKcAS5+PcsVa1hOaXh56LTrfW3oxXMs="],["/assets/results-B30yjQww.css","sha256-OdEYPOff+9g4OxjpD1UgdIRQ4SiCItOK+NgUOLNMHps="],["/assets/results-BQY3uoZK.js","sha256-QhB3rcBEGn6ozLm9jHFqJwhSLHOTZ+12ZzH3OgEhjxg="],["/assets/search-BjA0gBn9.js","sha256-oSTf/p7Ay1C9Sl4RgWu3x5htTE84xjm1YdeFNAdc3Vs="],["/assets/search-panel-O6IapWdW.js","sha256-r79nVuVvpYLmldfx2Scf3E0fvFMLjKnCDecQ1scEdBk="],["/assets/search-results-CC2HgEyc.js","sha256-QR1sy5UkgN5GNcjX87GUxI1Ys2fRTtTyk+sZ40TKvv0="],["/assets/settings-page-Co6i3syL.css","sha256-56zs+sPVPqu7thjVt794Fv+0WbRQZXvy9aDHO/42FaM="],["/assets/settings-page-D0xAVupa.js","sha256-f4ymmSVYI3Ntz3JC7yrQtV0rrI3KN213CwxYCDixYNI="],["/assets/shortcut-list-BTmxHGzR.css","sha256-p1N+4coIZPqkyo3zAL1t/HruTpEEF4bcM6rFc9NMuWI="],["/assets/shortcut-list-CNAbWJ0p.js","sha256-FWFpc5G62LivsjuFmUSZRhz+e+XdV5TE1YpkOqLTleA="],["/assets/shortcuts-dialog-DOQ6fJDv.js","sha256-csdHD+Iadd/Q8Bccsn0MKEt9w1pJMYPgzKE52or399c="],["/assets/sign-out-dialog-2ywvLmm_.js","sha256-2FPBXqpKE2dq4lLzKHfRH/C+WsygPlpPlE8fjnQySSM="],["/assets/starred-8R7C3nMG.js","sha256-UE5N1zLWQyWmA9ZktbQ2SItB1wwSlgO3hGN9cLAInbg="],["/assets/starred-DN-i_xXU.css","sha256-Veo/todE68aq2nLm08QZiBPCwYCVCp3+t1fyBn6LUQk="],["/assets/text-CwqPGGLI.js","sha256-cWXQMTDSG73nAwMQXtYI4toPKroTJWNgRhjxJI0oUqg="],["/assets/text-Dz4PpKWp.js","sha256-JwLHZY9dqRkU4EDJJsC8PRPiYBFxS3kpVcb39HHE9wg="],["/assets/thread-panel-DLziDuGB.js","sha256-SLtf/4GpDgjdB0s7+s7yx5C4APrAsjLMUldHa50TQWQ="],["/assets/timer-B3AOImSZ.js","sha256-WxxgTVXxgA/fZboAyW7emZR/C/fw7uFwPq74R3sv/C0="],["/assets/times-BtrppaQo.js","sha256-IDMQhddE6Ka0w0NX/EoF6nst4IDXAaQMlw2QemJ0Kzw="],["/assets/trash-CwhO_-Te.js","sha256-ySKfJp8m6wNsPGS1JjG21SdGwylrHRSeW4FJ1Iy5Jho="],["/assets/user-minus-B5jrfCfX.js","sha256-NLBoXND0nbrTy+EcFNLzBrreJxcyI/c6VzVmpus4Wjo="],["/assets/user-round-BF71lJ5o.js","sha256-lsNvi3szCC/pEO7PpbJHT62gBlmqs0Z25zr9hw0ex2g="],["/icon-unread.svg","sha256-zD3GcOp89F1fd39h7PXwMgz6uCphXmInoBMqJw3M64Q="],["/icon.svg","sha256-fgO4xQnhcMvXkpM/STYa86yiiJeA71dbUgKJumdRJgg="]];
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
