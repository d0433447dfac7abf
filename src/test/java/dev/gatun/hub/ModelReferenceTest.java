package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelReferenceTest {
    @ParameterizedTest
    @CsvSource({
        "mistralai/Mixtral-8x7B-v0.1,mistralai,Mixtral-8x7B-v0.1,main",
        "a/b@v1.0,a,b,v1.0",
        "a/b@refs/pr/1,a,b,refs/pr/1",
    })
    void ownerNameAndRevisionAreTold(String text, String owner, String name, String revision) {
        ModelReference model = ModelReference.parse(text);
        assertThat(model).isEqualTo(new ModelReference(owner, name, revision)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "a/b/c",
                "/a",
                "a/",
                "../b",
                "a/..",
                "a/b--c",
                "a/b..c",
                "-a/b",
                "a/b@",
                "a/b@../x",
                "a/b@/x",
                "a/b@x\\y",
                "a b/c",
                "a/b\n"
            })
    void whatNoHubHasIsRefused(String text) {
        assertThatThrownBy(() -> ModelReference.parse(text)).isInstanceOf(HubException.class);
        assertThat(ModelReference.ifSpelled(text)).isEmpty();
    }

    @Test
    void aSnapshotIsCalledByItsModelAndAnyOtherFolderByItsName() {
        assertThat(HubCache.modelName(Path.of("/c/models--o--n-1/snapshots/0123")))
                .isEqualTo("o/n-1");
        assertThat(HubCache.modelName(Path.of("/c/models/n"))).isEqualTo("n");
        assertThat(HubCache.modelName(Path.of("/"))).isEqualTo("/");
    }
}
