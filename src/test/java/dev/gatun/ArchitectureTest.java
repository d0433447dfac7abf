package dev.gatun;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rooms and which way their doors open. */
class ArchitectureTest {
    /** Top to bottom: a room may use what stands after it, never what stands before it. */
    private static final List<String> ROOMS = List.of(
            "dev.gatun.cli..",
            "dev.gatun.bench..",
            "dev.gatun",
            "dev.gatun.quantize..",
            "dev.gatun.hub..",
            "dev.gatun.text..",
            "dev.gatun.engine..",
            "dev.gatun.offload..",
            "dev.gatun.checkpoint..",
            "dev.gatun.quant..",
            "dev.gatun.cuda..",
            "dev.gatun.cpu..",
            "dev.gatun.natives..",
            "dev.gatun.bindings..",
            "dev.gatun.input..");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.gatun");

    @TestFactory
    List<DynamicTest> arrowsPointDownwardOnly() {
        return IntStream.range(1, ROOMS.size())
                .mapToObj(room -> DynamicTest.dynamicTest(
                        ROOMS.get(room),
                        () -> noClasses()
                                .that()
                                .resideInAPackage(ROOMS.get(room))
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(ROOMS.subList(0, room).toArray(String[]::new))
                                .allowEmptyShould(true)
                                .check(CLASSES)))
                .toList();
    }

    @Test
    void theTextRoomKnowsNoModel() {
        noClasses()
                .that()
                .resideInAPackage("dev.gatun.text..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.gatun.engine..", "dev.gatun.offload..", "dev.gatun.checkpoint..")
                .check(CLASSES);
    }

    @Test
    void offloadNeverSeesCuda() {
        noClasses()
                .that()
                .resideInAPackage("dev.gatun.offload..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.gatun.cuda..", "dev.gatun.bindings..")
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void onlyTheHubTalksToTheNetwork() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.gatun.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.net.http..")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.net.Socket.class)
                .check(CLASSES);
    }

    @Test
    void theHubKnowsNoModelInMemory() {
        noClasses()
                .that()
                .resideInAPackage("dev.gatun.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.gatun.text..", "dev.gatun.engine..", "dev.gatun.offload..", "dev.gatun.quant..")
                .check(CLASSES);
    }

    @Test
    void onlyTheWrappersReachTheBindings() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.gatun.cuda..", "dev.gatun.cpu..", "dev.gatun.bindings..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.gatun.bindings..")
                .check(CLASSES);
    }

    @Test
    void onlyTheWrappersCallRestrictedMethods() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.gatun.cuda..", "dev.gatun.cpu..", "dev.gatun.natives..", "dev.gatun.bindings..")
                .should()
                .callMethod(System.class, "load", String.class)
                .orShould()
                .callMethod(java.lang.foreign.MemorySegment.class, "reinterpret", long.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.lang.foreign.Linker.class)
                .check(CLASSES);
    }

    @Test
    void noStaticFieldCanChange() {
        noFields()
                .that()
                .areStatic()
                .and()
                .areDeclaredInClassesThat()
                .resideOutsideOfPackage("dev.gatun.bindings..")
                .should()
                .notBeFinal()
                .check(CLASSES);
    }

    @Test
    void noRoomsAreEntangled() {
        SlicesRuleDefinition.slices()
                .matching("dev.gatun.(*)..")
                .should()
                .beFreeOfCycles()
                .check(CLASSES);
    }
}
