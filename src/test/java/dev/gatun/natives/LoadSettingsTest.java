package dev.gatun.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** Where the cache lies, by the XDG base directory specification. */
class LoadSettingsTest {
    @Test
    void theCacheHomeWins() {
        assertThat(cache(Map.of("XDG_CACHE_HOME", "/var/cache/me", "HOME", "/home/me")))
                .contains(Path.of("/var/cache/me/gatun"));
    }

    @Test
    void aRelativeOrEmptyCacheHomeIsIgnored() {
        assertThat(cache(Map.of("XDG_CACHE_HOME", "cache", "HOME", "/home/me")))
                .contains(Path.of("/home/me/.cache/gatun"));
        assertThat(cache(Map.of("XDG_CACHE_HOME", "", "HOME", "/home/me"))).contains(Path.of("/home/me/.cache/gatun"));
    }

    @Test
    void withoutHomeThePropertyServes() {
        assertThat(cache(Map.of())).contains(Path.of("/home/property/.cache/gatun"));
    }

    @Test
    void withoutAnyHomeThereIsNoCache() {
        Properties properties = properties();
        properties.setProperty("user.home", "?");

        assertThat(LoadSettings.of(properties, Map.of()).cache()).isEmpty();
    }

    @Test
    void thePropertyNamesAFolder() {
        Properties properties = properties();
        properties.setProperty("gatun.natives", "/opt/natives");

        assertThat(LoadSettings.of(properties, Map.of()).given()).contains(Path.of("/opt/natives"));
        assertThat(LoadSettings.of(properties(), Map.of()).given()).isEmpty();
    }

    private static Optional<Path> cache(Map<String, String> environment) {
        return LoadSettings.of(properties(), environment).cache();
    }

    private static Properties properties() {
        Properties properties = new Properties();
        properties.setProperty("os.name", "Linux");
        properties.setProperty("os.arch", "amd64");
        properties.setProperty("user.home", "/home/property");
        properties.setProperty("java.io.tmpdir", "/tmp");
        return properties;
    }
}
