// Before the first paint: theme and language as remembered or as the system says, so that nothing flashes.
(function () {
  var root = document.documentElement;
  var recall = function (key) {
    try {
      return localStorage.getItem('tocsin.' + key);
    } catch {
      return null;
    }
  };
  var theme = recall('theme');
  var dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'dark' : 'light';
  var language = recall('language') || ((navigator.language || '').toLowerCase().indexOf('zh') === 0 ? 'zh' : 'en');
  root.lang = language === 'zh' ? 'zh-CN' : 'en';
})();
