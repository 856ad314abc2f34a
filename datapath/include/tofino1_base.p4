// A name under which programs include a part of tna.p4.
#include <tna.p4>
