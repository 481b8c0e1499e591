// Before the first paint: light or dark as the system has it, or as the person chose.
(() => {
    const key = 'ota-theme';
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
        const chosen = localStorage.getItem(key);
        const theme = chosen ?? (dark.matches ? 'dark' : 'light');
        document.documentElement.dataset.theme = theme;
        for (const link of document.querySelectorAll('link[data-theme-of]'))
            link.media = link.dataset.themeOf === theme ? 'all' : 'not all';
    };
    apply();
    dark.addEventListener('change', apply);
    window.ota = {
        switchTheme() {
            const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
            if ((next === 'dark') === dark.matches) localStorage.removeItem(key);
            else localStorage.setItem(key, next);
            apply();
        },
        zone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
})();
