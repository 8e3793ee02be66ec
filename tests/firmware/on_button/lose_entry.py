"""Takes the entry with this counter (8 hexadecimal digits) out of the outbox on the flash that SIAGA_FLASH names."""

import os
import sys

import siaga_flash

siaga_flash.mount()
folder = siaga_flash.MOUNT + "/siaga/outbox"
for item in list(os.ilistdir(folder)):
    if item[0].endswith(sys.argv[1]):
        os.remove(folder + "/" + item[0])
        print("lost")
siaga_flash.unmount()
