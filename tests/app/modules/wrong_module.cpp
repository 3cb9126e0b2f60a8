// A module of another build: says so, or is older than the question, and must not be called for anything else.
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
