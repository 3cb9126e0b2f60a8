// A module of another build: reports another identity, or has no identity function; its other functions must not be
// called.
#include <cstdlib>

#define KVATLAS_EXPORT extern "C" __attribute__((visibility("default")))

KVATLAS_EXPORT void kvatlasBenchGpu(const void*, void*);
void kvatlasBenchGpu(const void*, void*) {
  std::abort();
}
KVATLAS_EXPORT int kvatlasFigureMain(const void*, void*);
int kvatlasFigureMain(const void*, void*) {
  std::abort();
}

#ifdef KVATLAS_WRONG_IDENTITY
KVATLAS_EXPORT const char* kvatlasIdentity();
const char* kvatlasIdentity() {
  return KVATLAS_WRONG_IDENTITY;
}
KVATLAS_EXPORT const char* kvatlasCudaIdentity();
const char* kvatlasCudaIdentity() {
  return KVATLAS_WRONG_IDENTITY;
}
#endif
