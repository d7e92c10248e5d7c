// Before the first paint: the theme that was chosen here, or the system's.
(function () {
	var chosen = null;
	try {
		chosen = localStorage.getItem('theme');
	} catch {
		// Storage may be forbidden: then the system's theme counts.
	}
	if (chosen !== 'light' && chosen !== 'dark')
		chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
	document.documentElement.dataset.theme = chosen;
})();
